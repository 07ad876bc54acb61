package vm

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

const usage = `usage: vm VERB

  up [-ssh-port N]        start a machine and keep it, unless one is kept
  status                  say whether one is kept, and how to reach it
  stop                    end the kept machine
  ssh [CMD…]              a shell, or CMD, in the kept machine through the ssh program
  run CMD…                run CMD in the kept machine, else in one for it alone
  put LOCAL REMOTE        copy a file or tree into the kept machine
  get REMOTE LOCAL        copy a file or tree out of it
  test [-run RE] [-v] [-timeout D] [-env NAME=VALUE] PKG…
                          run the tests with build tag "vm" of packages in a machine
  build                   only make what a start needs

Environment: INGOT_VM_CACHE (directory of images), INGOT_VM_MIRROR (Debian mirror).
`

// Streams are the standard streams of the command line. None is nil.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// CLI runs the command line args, without the program's name, and returns the
// exit status: that of the command for run, 1 after an error, which is printed,
// and 2 for a wrong usage.
func CLI(ctx context.Context, args []string, std Streams) int {
	c := cli{std: std, cfg: Config{Log: slog.New(slog.NewTextHandler(std.Err, nil))}}
	verbs := map[string]func(context.Context, []string) (int, error){
		"up": c.up, "status": c.status, "stop": c.halt, "ssh": c.ssh, "run": c.run,
		"put": c.put, "get": c.get, "test": c.test, "build": c.build,
	}
	if len(args) == 0 || verbs[args[0]] == nil {
		fmt.Fprint(std.Err, usage)
		return 2
	}
	code, err := verbs[args[0]](ctx, args[1:])
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprintf(std.Err, "vm %s: %v\n%s", args[0], err, usage)
		return 2
	case err != nil:
		fmt.Fprintf(std.Err, "vm %s: %v\n", args[0], err)
		return 1
	}
	return code
}

var errUsage = errors.New("wrong usage")

type cli struct {
	std Streams
	cfg Config
}

// flags parses the options of a verb and returns the words that follow; there
// must be at least min of them.
func (c cli) flags(args []string, min int, define func(*flag.FlagSet)) ([]string, error) {
	fs := flag.NewFlagSet("vm", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	define(fs)
	if err := fs.Parse(args); err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	if fs.NArg() < min {
		return nil, fmt.Errorf("%w: %d words are missing", errUsage, min-fs.NArg())
	}
	return fs.Args(), nil
}

func (c cli) up(ctx context.Context, args []string) (int, error) {
	if _, err := c.flags(args, 0, func(fs *flag.FlagSet) { fs.IntVar(&c.cfg.SSHPort, "ssh-port", 0, "") }); err != nil {
		return 0, err
	}
	m, err := Up(ctx, c.cfg)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	fmt.Fprintf(c.std.Out, "up: ssh port %d on the loopback\n", m.Port())
	return 0, nil
}

func (c cli) status(ctx context.Context, _ []string) (int, error) {
	m, err := Attach(ctx, c.cfg)
	if errors.Is(err, ErrNotUp) {
		fmt.Fprintln(c.std.Out, "down:", err)
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	defer m.Close()
	fmt.Fprintf(c.std.Out, "up: ssh port %d on the loopback, files in %s\n", m.Port(), m.dir)
	return 0, nil
}

func (c cli) halt(ctx context.Context, _ []string) (int, error) {
	err := StopKept(ctx, c.cfg)
	if errors.Is(err, ErrNotUp) {
		fmt.Fprintln(c.std.Out, err)
		return 0, nil
	}
	return 0, err
}

// ssh becomes the ssh program, which knows about terminals.
func (c cli) ssh(_ context.Context, args []string) (int, error) {
	dir, err := cacheDir(c.cfg.Cache)
	if err != nil {
		return 0, err
	}
	dir = keptDir(dir)
	r, err := runningRecord(dir)
	if err != nil {
		return 0, err
	}
	path, err := exec.LookPath("ssh")
	if err != nil {
		return 0, fmt.Errorf("%w: a shell needs the ssh client; the verb run works without: %w", ErrTools, err)
	}
	public, err := os.ReadFile(filepath.Join(dir, hostKey))
	if err != nil {
		return 0, fmt.Errorf("read the guest's key: %w", err)
	}
	known := filepath.Join(dir, "known_hosts")
	if err := os.WriteFile(known, append([]byte("ingot-vm "), public...), 0o600); err != nil {
		return 0, fmt.Errorf("write the guest's key: %w", err)
	}
	argv := []string{"ssh", "-F", "none", "-i", filepath.Join(dir, clientKey), "-p", strconv.Itoa(r.Port),
		"-o", "IdentitiesOnly=yes", "-o", "HostKeyAlias=ingot-vm", "-o", "UserKnownHostsFile=" + known,
		"-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR", "root@127.0.0.1"}
	return 0, syscall.Exec(path, append(argv, args...), os.Environ())
}

func (c cli) run(ctx context.Context, args []string) (int, error) {
	argv, err := c.flags(args, 1, func(*flag.FlagSet) {})
	if err != nil {
		return 0, err
	}
	m, release, err := Acquire(ctx, c.cfg)
	if err != nil {
		return 0, err
	}
	code, err := m.Run(ctx, c.std.In, c.std.Out, c.std.Err, argv...)
	return code, errors.Join(err, release())
}

func (c cli) put(ctx context.Context, args []string) (int, error) {
	return c.copy(ctx, args, (*Machine).Put)
}

func (c cli) get(ctx context.Context, args []string) (int, error) {
	return c.copy(ctx, args, (*Machine).Get)
}

func (c cli) copy(ctx context.Context, args []string, do func(*Machine, context.Context, string, string) error) (int, error) {
	names, err := c.flags(args, 2, func(*flag.FlagSet) {})
	if err != nil {
		return 0, err
	}
	m, err := Attach(ctx, c.cfg)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	return 0, do(m, ctx, names[0], names[1])
}

func (c cli) test(ctx context.Context, args []string) (int, error) {
	var t Tests
	pkgs, err := c.flags(args, 1, func(fs *flag.FlagSet) {
		fs.StringVar(&t.Run, "run", "", "")
		fs.BoolVar(&t.Verbose, "v", false, "")
		fs.DurationVar(&t.Timeout, "timeout", 0, "")
		fs.Func("env", "", func(v string) error { t.Env = append(t.Env, v); return nil })
	})
	if err != nil {
		return 0, err
	}
	t.Packages, t.Out = pkgs, c.std.Out
	return 0, Test(ctx, c.cfg, t)
}

func (c cli) build(ctx context.Context, args []string) (int, error) {
	if _, err := c.flags(args, 0, func(*flag.FlagSet) {}); err != nil {
		return 0, err
	}
	return 0, Build(ctx, c.cfg)
}
