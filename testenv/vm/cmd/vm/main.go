// Command vm runs a disposable Debian machine under QEMU, and tests in it: see
// package testenv/vm. Called without arguments it prints its verbs.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/ingot-grading/ingot/testenv/vm"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := vm.CLI(ctx, os.Args[1:], vm.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}
