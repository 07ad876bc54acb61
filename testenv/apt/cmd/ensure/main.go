// Ensure installs Debian packages unless they are installed:
//
//	go run ./testenv/apt/cmd/ensure python3-zmq python3-msgpack
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/ingot-grading/ingot/testenv/apt"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := apt.Ensure(ctx, os.Stderr, os.Args[1:]...); err != nil {
		fmt.Fprintln(os.Stderr, "ensure:", err)
		stop()
		os.Exit(1)
	}
}
