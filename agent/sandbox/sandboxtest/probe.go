package sandboxtest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// probeName is the name under which a probe finds itself started.
const probeName = "sandbox-probe"

// Probe is a [Program] that does what its arguments say:
//
//	exit N         ends with N
//	say OUT ERR    writes a text to each output
//	cat            copies its input to its output until the input ends
//	flood OUT ERR  writes so many bytes to each output, all of them probeByte
//	line N         reads up to the end of a line and ends with N
//	hang           waits to be killed
//	read PATH      writes a file to its output (real containers only)
//	write PATH     writes a file (real containers only)
//
// It ends with 100 when that fails.
func Probe(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, spec *specs.Spec) int {
	code, err := probe(ctx, stdin, stdout, stderr, spec.Process.Args[1:])
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "probe:", err) // what else could be told, and to whom
		return 100
	}
	return code
}

// ProbeArgs is the command line of a probe.
func ProbeArgs(args ...string) []string { return append([]string{probeName}, args...) }

// ProbeMain makes the running program a probe, if it was started with
// [ProbeArgs]; then it does not return. A test binary that is to be run in
// containers calls it first in TestMain.
func ProbeMain() {
	if os.Args[0] != probeName {
		return
	}
	// Beside its use, a context of signals keeps the Go runtime from taking a
	// probe that hangs for a deadlock.
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	spec := &specs.Spec{Process: &specs.Process{Args: os.Args}}
	code := Probe(ctx, os.Stdin, os.Stdout, os.Stderr, spec)
	stop()
	os.Exit(code)
}

const probeByte = 'x'

func probe(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, args []string) (int, error) {
	verb, args := args[0], append(args[1:], "", "") // absent arguments are empty
	switch verb {
	case "exit":
		return strconv.Atoi(args[0])
	case "say":
		_, err := io.WriteString(stdout, args[0])
		if err == nil {
			_, err = io.WriteString(stderr, args[1])
		}
		return 0, err
	case "cat":
		_, err := io.Copy(stdout, stdin)
		return 0, err
	case "flood":
		err := flood(stdout, args[0])
		if err == nil {
			err = flood(stderr, args[1])
		}
		return 0, err
	case "line":
		if _, err := bufio.NewReader(stdin).ReadString('\n'); err != nil {
			return 0, err
		}
		return strconv.Atoi(args[0])
	case "hang":
		<-ctx.Done()
		return 0, context.Cause(ctx)
	case "read":
		data, err := os.ReadFile(args[0])
		if err == nil {
			_, err = stdout.Write(data)
		}
		return 0, err
	case "write":
		return 0, os.WriteFile(args[0], []byte("written"), 0o600)
	}
	return 0, fmt.Errorf("unknown verb %q", verb)
}

func flood(w io.Writer, count string) error {
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		return err
	}
	block := bytes.Repeat([]byte{probeByte}, 32<<10)
	for n > 0 {
		k, err := w.Write(block[:min(n, int64(len(block)))])
		if err != nil {
			return err
		}
		n -= int64(k)
	}
	return nil
}
