package sandboxtest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Probe is a [Program] that does what its arguments say:
//
//	exit N         ends with N
//	say OUT ERR    writes a text to each output
//	cat            copies its input to its output until the input ends
//	flood OUT ERR  writes so many bytes to each output, all of them probeByte
//	line N         reads up to the end of a line and ends with N
//	hang           waits to be killed
//	read PATH      writes a file to its output ([Script] only)
//	write PATH     writes a file ([Script] only)
//
// It ends with 100 when that fails. Its own name, the first argument, is not looked at.
func Probe(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, spec *specs.Spec) int {
	code, err := probe(ctx, stdin, stdout, stderr, spec.Process.Args[1:])
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "probe:", err) // what else could be told, and to whom
		return 100
	}
	return code
}

// Script is the command line of a probe for a POSIX shell: what Probe does, by
// a real process.
func Script(shell string, args ...string) []string {
	return append([]string{shell, "-c", script, "probe"}, args...)
}

const script = `
flood() { head -c "$1" /dev/zero | tr '\0' x; }
case $1 in
exit) exit "$2" ;;
say) printf %s "$2" && printf %s "$3" >&2 ;;
cat) exec cat ;;
flood) flood "$2" && flood "$3" >&2 ;;
line) read -r line && exit "$2" ;;
hang) exec sleep 1000000 ;;
read) exec cat "$2" ;;
write) printf written >"$2" ;;
*) exit 100 ;;
esac`

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
