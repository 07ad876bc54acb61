// Demo grades the demo course in real containers, and prints a table of what
// was expected and what came of it:
//
//	go run ./testenv/demo/cmd/demo [-where host|machine]
//
// It uses this host if it is root there and finds containerd, mke2fs, loop devices
// and cgroup v2 with the memory and pids controllers, else a disposable machine, where the programs run as the
// units they are installed as. The exit status is 0 only if every result is as
// expected and nothing is left behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal has its usual effect
	if err := run(ctx); err != nil {
		if !errors.Is(err, errUnlike) {
			fmt.Fprintln(os.Stderr, "demo:", err)
		}
		stop()
		os.Exit(1)
	}
}

// errUnlike says that a result, already shown, is not as expected.
var errUnlike = errors.New("a result is not as expected")

func run(ctx context.Context) (err error) {
	where := flag.String("where", "", "host or machine; without it the host if that can limit containers")
	built := flag.String("built", "", "directory of what an earlier run has built, for a machine without Go")
	flag.Parse()
	log := slog.New(tint.NewTextHandler(os.Stderr, &tint.Options{TimeFormat: time.TimeOnly, NoColor: !isatty.IsTerminal(os.Stderr.Fd())}))
	stage, err := choose(*where, log)
	if err != nil {
		return err
	}
	if *built != "" {
		return stage(ctx, log, layout(*built))
	}
	dir, err := os.MkdirTemp("", "ingot-demo-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	log.Info("building the programs and the image")
	p := layout(dir)
	if err := p.build(ctx); err != nil {
		return err
	}
	return stage(ctx, log, p)
}

// choose finds where to run.
func choose(where string, log *slog.Logger) (func(context.Context, *slog.Logger, parts) error, error) {
	unfit := hostUnfit()
	switch {
	case where == "machine", where == "" && unfit != nil:
		log.Info("using the disposable machine", "host", unfit)
		return inMachine, nil
	case where == "host" && unfit != nil:
		return nil, fmt.Errorf("this host will not do: %w", unfit)
	case where == "host", where == "":
		return onHost, nil
	}
	return nil, fmt.Errorf("-where %q: want host or machine", where)
}
