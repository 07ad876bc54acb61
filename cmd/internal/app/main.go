package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Flags are the flags that every daemon has. A program's configuration embeds
// them by value.
type Flags struct {
	Verbose   bool             `short:"v" help:"Log more."`
	Debugmode bool             `help:"Accepted for compatibility; does nothing."`
	LogFormat string           `enum:"auto,text,json,journal" default:"auto" help:"auto, text, json or journal. auto is text on a terminal, journal under systemd, else json."`
	Config    kong.ConfigFlag  `placeholder:"FILE" help:"File with lines FLAG=VALUE."`
	Version   kong.VersionFlag `env:"-" help:"Print the version and exit."`
}

func (f *Flags) flags() *Flags { return f }

// Config is a pointer to a struct that embeds [Flags] by value.
type Config[C any] interface {
	*C
	flags() *Flags
}

// Process is what a running program knows about itself.
type Process[C any] struct {
	Config *C
	Log    *slog.Logger

	// Reloads gives a freshly read configuration after each SIGHUP. One that
	// cannot be read is logged and not sent. A program that has no use for them
	// calls [Process.RefuseReloads].
	Reloads <-chan *C
}

// RefuseReloads says after each SIGHUP that it changes nothing, until ctx is done.
// Nobody else may read Reloads.
func (p *Process[C]) RefuseReloads(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.Reloads:
			p.Log.Warn("nothing reloaded: settings and certificates are read at the start, so that a change needs a restart")
		}
	}
}

// Main runs the program called name and returns its exit status; see the
// package comment. The context of run ends with the first SIGTERM or SIGINT,
// its cause names the signal. When run returns the process is expected to end.
func Main[C any, P Config[C]](name, about string, run func(context.Context, *Process[C]) error) int {
	return start[C, P](program{name, about, os.Args[1:], os.Stdout, os.Stderr}, run)
}

// program is one call of Main with everything it takes from the process.
type program struct {
	name, about    string
	args           []string
	stdout, stderr io.Writer
}

func start[C any, P Config[C]](pr program, run func(context.Context, *Process[C]) error) int {
	cfg := new(C)
	done, err := pr.parse(cfg)
	if done {
		return 0
	}
	common := P(cfg).flags()
	if err != nil {
		return pr.exit(cmp.Or(common.LogFormat, "auto"), Usage(err))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal has its usual effect

	direct := slog.New(handler(pr.stderr, common.LogFormat, common.Verbose))
	lines := newBacklog(pr.stderr, func(n int64) { direct.Warn("the log was not read in time", "lost", n) })
	defer lines.close()
	pr.stderr = lines
	log := slog.New(handler(pr.stderr, common.LogFormat, common.Verbose))
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Ignore(syscall.SIGHUP) // a late one must not kill the process
	reloads := make(chan *C)
	go reload(ctx, pr, log, hup, reloads)
	return pr.exit(common.LogFormat, run(ctx, &Process[C]{Config: cfg, Log: log, Reloads: reloads}))
}

// reload reads the configuration again whenever hup says so, until ctx is done.
func reload[C any](ctx context.Context, pr program, log *slog.Logger, hup <-chan os.Signal, to chan<- *C) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
		}
		fresh := new(C)
		if _, err := pr.parse(fresh); err != nil {
			log.Error("configuration not reloaded", "err", err)
			continue
		}
		select {
		case <-ctx.Done():
			return
		case to <- fresh:
		}
	}
}

// parse fills cfg. It returns true if help or the version was all that was asked for.
func (pr program) parse(cfg any) (done bool, err error) {
	k, err := kong.New(cfg,
		kong.Name(pr.name),
		kong.Description(pr.about),
		kong.Writers(pr.stdout, pr.stderr),
		kong.Exit(func(int) { done = true }),
		kong.DefaultEnvars(envPrefix(pr.name)),
		kong.Configuration(lines),
		kong.Vars{"version": pr.name + " " + Version()},
	)
	if err != nil {
		return false, fmt.Errorf("define the command line: %w", err)
	}
	_, err = k.Parse(pr.args)
	return done, err
}

// exit reports err, if any, in the given format of [Flags], and returns the exit
// status it stands for.
func (pr program) exit(format string, err error) int {
	if err == nil {
		return 0
	}
	if format == "auto" {
		format = guess(pr.stderr)
	}
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	switch format {
	case "json":
		slog.New(handler(pr.stderr, format, false)).Error("ended", "program", pr.name, "err", text)
	case "journal":
		fmt.Fprintf(pr.stderr, "<3>%s: %s\n", pr.name, text) // found by journalctl -p err
	default:
		fmt.Fprintf(pr.stderr, "%s: %s\n", pr.name, text)
	}
	if usage := (*usageError)(nil); errors.As(err, &usage) {
		return ExitUsage
	}
	return 1
}

// ExitUsage is the exit status for what an operator has to put right: EX_CONFIG of
// sysexits(3). Units do not try again then, and so it is none of Go's: a panic, which
// must not be the end, has 2.
const ExitUsage = 78

// Usage marks err as something the operator has to put right before the
// program can start: it ends the program with [ExitUsage]. Usage(nil) is nil.
func Usage(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

// Setting is [Usage], unless it is the machine that refuses: an address in use or
// a directory that is not there yet may do at the next start. A file where a
// directory is wanted, or the reverse, stays one. Setting(nil) is nil.
func Setting(err error) error {
	errno, refused := errors.AsType[syscall.Errno](err)
	if errno == syscall.ENOTDIR || errno == syscall.EISDIR {
		return Usage(err)
	}
	_, unknown := errors.AsType[*net.DNSError](err)
	if refused || unknown {
		return err
	}
	return Usage(err)
}

type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// Version is that of the module which the program was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}
