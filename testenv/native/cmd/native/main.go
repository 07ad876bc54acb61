// Native runs a command beside a private containerd, in namespaces of its own:
//
//	go run ./testenv/native/cmd/native -- go test -tags native ./agent/sandbox/ctrd/...
//
// It must run as root. What is missing of containerd, runc and crun is installed
// with apt, and gVisor is built once, which takes minutes. The command finds
// INGOT_TIER=native and CONTAINERD_ADDRESS in its
// environment; its exit status is the program's.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/testenv/native"
)

func main() {
	if status, ok := native.Stage(); ok {
		os.Exit(status)
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	status, err := run(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "native:", err)
		status = max(status, 1)
	}
	os.Exit(status)
}

func run(ctx context.Context, args []string) (int, error) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: native [--] COMMAND [ARGUMENT…]")
		return 2, nil
	}
	if err := native.Install(ctx, os.Stderr); err != nil {
		return 0, err
	}
	gvisor, err := native.InstallGVisor(ctx, os.Stderr)
	if err != nil {
		return 0, err
	}
	if err := os.Setenv("PATH", gvisor+":"+os.Getenv("PATH")); err != nil {
		return 0, err
	}
	return native.Enter(ctx, args)
}
