// Command ingot is what people use: it submits jobs to a backend as a webapp
// would, shows its queue, runs a course of demonstration tasks, and helps those
// who set up graders.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"

	"github.com/ingot-grading/ingot/cmd/internal/app"
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

	Version kong.VersionFlag `help:"Print the version and exit."`
}

// errUnlike ends a command with status 1 and no further message: the result,
// already shown, is not the wished-for one.
var errUnlike = errors.New("not as wished")

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program with its arguments. It returns the exit status: 0, 1 for
// [errUnlike], 2 for all that could not be done.
func run(args []string, stdout, stderr io.Writer) int {
	var c cli
	done := false // help or the version was all that was asked for
	k := kong.Must(&c, kong.Name("ingot"), kong.Description("Grade student programs: the command line of a grading backend."),
		kong.Vars{"version": "ingot " + app.Version()}, kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { done = true }))
	at, err := k.Parse(args)
	if done {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "ingot: %v\n%s", err, usage(err))
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal has its usual effect
	at.BindTo(ctx, (*context.Context)(nil))
	switch err := at.Run(); {
	case err == nil:
		return 0
	case errors.Is(err, errUnlike):
		return 1
	default:
		fmt.Fprintf(stderr, "ingot: %s\n", inText(err.Error()))
		return 2
	}
}

// warnings is where a command logs what its user should know.
func warnings() *slog.Logger {
	return slog.New(tint.NewTextHandler(os.Stderr, &tint.Options{Level: slog.LevelWarn, TimeFormat: " ", NoColor: !isatty.IsTerminal(os.Stderr.Fd())}))
}

// usage says how the command is called that a bad command line begins with.
func usage(bad error) string {
	parse, ok := errors.AsType[*kong.ParseError](bad)
	if !ok || parse.Context.Selected() == nil {
		return "usage: ingot COMMAND, see \"ingot --help\"\n"
	}
	n := parse.Context.Selected()
	return fmt.Sprintf("usage: ingot %s, see \"%s --help\"\n", n.Summary(), n.FullPath())
}
