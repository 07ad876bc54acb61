package student

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/ingot-grading/ingot/agent/guest/mainsock"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/wire/grading"
)

// Failed is the exit code of a student container that could not be had.
const Failed = 254

// Sockets is the directory of the sockets, a mount of the agent's.
const Sockets = "/sockets"

// Request says what to run, in what container.
type Request struct {
	Container    *string // environment; nil is that of this container
	Time         int64   // seconds of CPU time; 0 is the limit of this container
	HardTime     int64   // seconds of wall clock time; 0 as before
	Memory       int64   // MiB; 0 as before
	ShareNetwork bool
	RunAsRoot    bool   // refused where the containers share a kernel
	SSH          bool   // let the student in by SSH after the command
	Command      string // split into words as a shell does; empty: nothing
	Teardown     string // the same, run at the end
	Dir          string // where the command runs, in the student container
}

var errLost = errors.New("the main process answered what was not asked")

// Run runs a command in a student container with the given stdin, stdout and
// stderr and returns its exit code (PROTOCOL.md 5.8). What comes through signals
// is forwarded to the command; nil if nothing shall be. An error explains the
// code [Failed], or why the code may not be the command's own. Nothing is left
// behind in dir, which is [Sockets] but in tests.
func (r Request) Run(ctx context.Context, dir string, files [3]*os.File, signals <-chan os.Signal) (int, error) {
	placeholder, err := os.CreateTemp(dir, "p")
	if err != nil {
		return Failed, fmt.Errorf("ask for a student container: %w", err)
	}
	defer func() { _ = os.Remove(placeholder.Name()) }() // it goes with the container at the latest
	placeholder.Close()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: placeholder.Name() + ".sock", Net: "unix"})
	if err != nil {
		return Failed, fmt.Errorf("ask for a student container: %w", err)
	}
	defer l.Close() // which removes its file
	q, err := mainsock.Dial(ctx, filepath.Join(dir, "main.sock"))
	if err != nil {
		return Failed, err
	}
	defer q.Close()
	a := &asker{req: r, dir: dir, files: files, signals: signals, main: q, id: filepath.Base(placeholder.Name())}
	return a.run(ctx, l)
}

// asker is one call of run_student. Its methods belong to one goroutine; others
// only send to its channels.
type asker struct {
	req       Request
	dir       string
	files     [3]*os.File
	signals   <-chan os.Signal
	main      *mainsock.Req
	id        string // of the socket
	container string
	trouble   error   // why the exit code may not be the command's own
	broken    [3]bool // files that take no more; of whoever writes to them
}

// answer is a message of the main process.
type answer struct {
	kind   string
	fields *pyjson.Object
	err    error
}

func (a *asker) run(ctx context.Context, l *net.UnixListener) (int, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	m, err := grading.Append(nil, &grading.RunStudent{
		Environment: a.req.Container, TimeLimit: a.req.Time, HardLimit: a.req.HardTime, MemoryLimit: a.req.Memory,
		ShareNetwork: a.req.ShareNetwork, SocketID: a.id, SSH: a.req.SSH, RunAsRoot: a.req.RunAsRoot,
	})
	if err == nil {
		err = a.main.Ask(m)
	}
	if err != nil {
		return Failed, err
	}
	answers := make(chan answer)
	go listen(ctx, a.main, answers)
	var first answer
	select {
	case first = <-answers:
	case <-ctx.Done():
		return Failed, context.Cause(ctx)
	}
	switch {
	case first.err != nil:
		return Failed, first.err
	case first.kind == string(grading.KindRunStudentRetval):
		return a.end(first)
	case first.kind != string(grading.KindRunStudentStarted):
		return Failed, fmt.Errorf("%w: %q", errLost, first.kind)
	}
	a.container = text(first.fields, "container_id")
	if relayed, _ := first.fields.Get("relay"); relayed == true {
		return a.relay(ctx, answers)
	}
	return a.direct(ctx, l, answers)
}

// listen reads the answers of the main process until the connection or ctx ends.
func listen(ctx context.Context, q *mainsock.Req, out chan<- answer) {
	for {
		var a answer
		b, err := q.Next()
		if err == nil {
			a, err = parse(b)
		}
		a.err = err
		select {
		case out <- a:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

func parse(b []byte) (answer, error) {
	v, err := pyjson.FromMsgpack(b)
	if err != nil {
		return answer{}, err
	}
	o, ok := v.(*pyjson.Object)
	if !ok {
		return answer{}, errLost
	}
	return answer{kind: text(o, "type"), fields: o}, nil
}

func text(o *pyjson.Object, key string) string {
	v, _ := o.Get(key)
	s, _ := v.(string)
	return s
}

// end is the exit code of the answer that says how the container ended.
func (a *asker) end(last answer) (int, error) {
	if last.err != nil {
		return Failed, errors.Join(a.trouble, last.err)
	}
	v, _ := last.fields.Get("retval")
	i, _ := v.(pyjson.Int)
	code, err := strconv.Atoi(string(i))
	if err != nil {
		return Failed, errors.Join(a.trouble, errLost)
	}
	return code & 0xff, a.trouble
}

func (a *asker) user() string {
	if a.req.RunAsRoot {
		return "root"
	}
	return "worker"
}

// rearm asks for the next answer.
func (a *asker) rearm() error {
	o := new(pyjson.Object)
	o.Set("type", "dummy_message")
	return a.main.Ask(pyjson.AppendMsgpack(nil, o))
}
