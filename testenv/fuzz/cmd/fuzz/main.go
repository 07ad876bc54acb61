// Fuzz runs the fuzz targets below some folders; see package fuzz.
//
//	go run ./testenv/fuzz/cmd/fuzz [-time 60s] [-jobs N] FOLDER…
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/ingot-grading/ingot/testenv/fuzz"
)

var errNone = errors.New("no fuzz targets there")

func main() {
	r := &fuzz.Runner{Go: "go", Log: os.Stdout}
	flag.DurationVar(&r.Time, "time", time.Minute, "for each target")
	flag.IntVar(&r.Jobs, "jobs", runtime.NumCPU(), "targets at a time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, r, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, r *fuzz.Runner, dirs []string) error {
	targets, err := fuzz.Targets(dirs...)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return errNone
	}
	return r.Run(ctx, targets)
}
