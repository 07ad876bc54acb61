// Command ingot is what people use: it submits jobs to a backend as a webapp
// would, shows its queue, runs a course of demonstration tasks, and helps those
// who set up graders.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line. Each command has a Run method.
type cli struct {
	Submit submitCmd `cmd:"" help:"Submit one job and wait for its result."`
	Demo   demoCmd   `cmd:"" help:"Submit the jobs of a file and compare their results with what it expects."`
	Bench  benchCmd  `cmd:"" help:"Submit one job again and again and show how long it takes."`
	Queue  queueCmd  `cmd:"" help:"List the jobs of a backend."`
	Top    topCmd    `cmd:"" help:"Watch the agents and jobs of a backend."`
	Kill   killCmd   `cmd:"" help:"Kill a job, whoever submitted it."`
	Images imagesCmd `cmd:"" help:"Manage the images of this machine's grader."`
	Doctor doctorCmd `cmd:"" help:"Say whether this machine can grade, and what it lacks; status 1 if it cannot."`
	Decode decodeCmd `cmd:"" help:"Print recorded messages of the protocol as text."`
	Cert   certCmd   `cmd:"" help:"Make certificates for TLS between backend and agents."`
}

// errUnlike ends a command with status 1 and no further message: the result,
// already shown, is not the wished-for one.
var errUnlike = errors.New("not as wished")

func main() {
	var c cli
	k := kong.Parse(&c, kong.Name("ingot"), kong.Description("Grade student programs: the command line of a grading backend."),
		kong.ShortUsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(code int) { os.Exit(min(code, 2)) })) // 2 for a bad command line, as for what else cannot be done
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal has its usual effect
	k.BindTo(ctx, (*context.Context)(nil))
	switch err := k.Run(); {
	case err == nil:
	case errors.Is(err, errUnlike):
		os.Exit(1)
	default:
		fmt.Fprintf(os.Stderr, "ingot: %v\n", err)
		os.Exit(2)
	}
}
