package student

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/ingot-grading/ingot/agent/guest/mainsock"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/wire/grading"
	"github.com/ingot-grading/ingot/wire/student"
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
	trouble   error // why the exit code may not be the command's own
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

// direct hands the command to the student container itself.
func (a *asker) direct(ctx context.Context, l *net.UnixListener, answers <-chan answer) (int, error) {
	if err := a.rearm(); err != nil {
		return Failed, err
	}
	handed, offered := make(chan handing, 1), make(chan error, 1)
	go func() { handed <- a.hand(ctx, l) }()
	var command *student.Caller
	var early []syscall.Signal
	for {
		select {
		case h := <-handed:
			if h.err != nil {
				a.trouble = h.err // the container is dead or dying: its end is reported
				continue
			}
			defer h.conn.Close()
			command = h.caller
			for _, s := range early {
				a.forward(command, s)
			}
			if a.req.SSH {
				go func() { offered <- a.offerLogin(ctx, command) }()
			}
		case err := <-offered:
			a.trouble = errors.Join(a.trouble, err)
		case s := <-a.signals:
			if command == nil {
				early = append(early, s.(syscall.Signal))
			} else {
				a.forward(command, s.(syscall.Signal))
			}
		case last := <-answers:
			return a.end(last)
		case <-ctx.Done():
			return Failed, context.Cause(ctx)
		}
	}
}

type handing struct {
	conn   *net.UnixConn
	caller *student.Caller
	err    error
}

// hand waits for the student container and hands it the command.
func (a *asker) hand(ctx context.Context, l *net.UnixListener) handing {
	c, err := l.AcceptUnix()
	if err != nil {
		return handing{err: fmt.Errorf("wait for the student container: %w", err)}
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	caller, err := student.Hand(c, a.files, student.Command{
		ContainerID: a.container, Command: &a.req.Command, Teardown: &a.req.Teardown,
		WorkingDir: a.req.Dir, SSH: a.req.SSH, User: a.user(),
	})
	if !stop() || err != nil {
		c.Close()
		return handing{err: errors.Join(err, context.Cause(ctx))}
	}
	return handing{conn: c, caller: caller}
}

// forward sends a signal; a command that has just ended does not get it.
func (a *asker) forward(c *student.Caller, s syscall.Signal) {
	if err := c.Signal(s); err != nil && !errors.Is(err, syscall.EPIPE) {
		a.trouble = errors.Join(a.trouble, err)
	}
}

// offerLogin passes the way into the student container on to the agent. If it
// cannot, nobody will come, which is what the exit code then says.
func (a *asker) offerLogin(ctx context.Context, c *student.Caller) error {
	login, err := c.Login()
	if err != nil {
		return err
	}
	m, err := grading.Append(nil, &grading.SSHStudent{User: login.User, Key: login.Password, ContainerID: a.container})
	if err != nil {
		return err
	}
	return askOnce(ctx, a.dir, m)
}

// askOnce makes one request on a connection of its own and waits for its answer.
func askOnce(ctx context.Context, dir string, m []byte) error {
	q, err := mainsock.Dial(ctx, filepath.Join(dir, "main.sock"))
	if err != nil {
		return err
	}
	defer q.Close()
	if err := q.Ask(m); err != nil {
		return err
	}
	if _, err := q.Next(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
