// Images writes the test images as OCI archives:
//
//	go run ./testenv/images/cmd/images -o DIR [-init FILE] [-busybox FILE]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/ingot-grading/ingot/testenv/images"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	out := flags.String("o", "", "directory to write to")
	init := flags.String("init", "", "ingot-init to put in (default: build it)")
	busybox := flags.String("busybox", "", "static busybox to put in (default: find or fetch it)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" {
		return fmt.Errorf("-o is needed")
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	var err error
	if *init == "" {
		*init = filepath.Join(*out, "ingot-init")
		if err = images.BuildInit(ctx, *init); err != nil {
			return err
		}
	}
	if *busybox == "" {
		if *busybox, err = images.FindBusybox(ctx, *out); err != nil {
			return err
		}
	}
	return images.WriteAll(ctx, *out, images.Parts{Busybox: *busybox, Init: *init})
}
