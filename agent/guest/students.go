package guest

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/ingot-grading/ingot/agent/guest/argparse"
	"github.com/ingot-grading/ingot/agent/guest/student"
	"github.com/ingot-grading/ingot/agent/guest/tool"
)

// runStudent is run_student (TOOLKIT.md 8.1).
func runStudent(e *tool.Env) error {
	r, err := parseRunStudent(e)
	if err != nil {
		return err
	}
	return ask(e, r)
}

// sshStudent is ssh_student (TOOLKIT.md 8.2).
func sshStudent(e *tool.Env) error {
	r, err := parseSSHStudent(e)
	if err != nil {
		return err
	}
	return ask(e, r)
}

func parseRunStudent(e *tool.Env) (student.Request, error) {
	p := argparse.New(e.Prog)
	done := limits(p)
	network := p.Flag("", "--share-network")
	command := p.Tail("cmd")
	err := e.Parse(p)
	r := done()
	r.ShareNetwork = *network
	r.Command = strings.Join(*command, " ") // and split again in the container, as scripts expect
	return r, err
}

func parseSSHStudent(e *tool.Env) (student.Request, error) {
	p := argparse.New(e.Prog)
	done := limits(p)
	setup := p.String("", "--setup-script", "")
	err := e.Parse(p)
	r := done()
	r.SSH, r.Command = true, *setup
	return r, err
}

// limits declares the options that both commands have. The function that it
// returns gives their values after parsing.
func limits(p *argparse.Parser) func() student.Request {
	container := p.Optional("", "--container")
	cpu := p.Int("", "--time", 0)
	wall := p.Int("", "--hard-time", 0)
	memory := p.Int("", "--memory", 0)
	asRoot := p.Flag("", "--run-as-root")
	teardown := p.String("", "--teardown-script", "")
	return func() student.Request {
		return student.Request{
			Container: *container, Time: *cpu, HardTime: *wall, Memory: *memory,
			RunAsRoot: *asRoot, Teardown: *teardown,
		}
	}
}

// ask runs a request with our own files and passes signals on.
func ask(e *tool.Env, r student.Request) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	r.Dir = dir
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1,
		syscall.SIGUSR2, syscall.SIGCONT, syscall.SIGTSTP, syscall.SIGWINCH)
	defer signal.Stop(signals)
	code, err := r.Run(context.Background(), student.Sockets, [3]*os.File{os.Stdin, os.Stdout, os.Stderr}, signals)
	if err != nil {
		fmt.Fprintf(e.Stderr, "%s: %v\n", e.Prog, err)
	}
	return tool.Exit(code)
}
