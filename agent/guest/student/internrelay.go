package student

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/guest/worker"
	"github.com/ingot-grading/ingot/wire/frame"
	"github.com/ingot-grading/ingot/wire/grading"
	"github.com/ingot-grading/ingot/wire/student"
)

// maxFrame bounds the frames that a student container reads, in bytes.
const maxFrame = 4 << 20

var errFirst = errors.New("the first frame is no command")

// relayedShim is the variant without a shared kernel: frames on the container's
// own stdin and stdout bring the command, its input and signals, and take its
// output (PROTOCOL.md 5.7).
type relayedShim struct {
	log  *slog.Logger
	init *grading.RunStudentInit
	in   *frame.Reader
	flow bool // the grading container takes part in flow control

	input   *queue
	output  *budget
	outputs []*os.File // of the command, to be read; receive's

	writing sync.Mutex // of out and ended
	out     *frame.Writer
	ended   bool // nothing more may be sent
}

func newRelayedShim(stdin io.Reader, stdout io.Writer, flow bool, log *slog.Logger) *relayedShim {
	return &relayedShim{
		log: log, flow: flow, in: frame.NewReader(stdin, maxFrame), out: frame.NewWriter(stdout),
		input: newQueue(), output: newBudget(grading.FlowWindow),
	}
}

// maxSignals is how many signals may wait for the command.
const maxSignals = 16

var errEnded = errors.New("the command has ended")

// internRelayed is Intern in that variant. With tell, the last frame is the exit
// code (see [grading.TellRetval]); flow is [grading.FlowControl].
func internRelayed(stdin io.Reader, stdout io.Writer, tell, flow bool, log *slog.Logger) int {
	s := newRelayedShim(stdin, stdout, flow, log)
	defer s.end() // nothing may be cut by our own end
	var err error
	if s.init, err = s.first(); err != nil {
		log.Error("no command for this container", "err", err)
		return exitBroken
	}
	code, err := s.run()
	if err != nil {
		log.Error("command not run", "err", err)
		return exitSystem
	}
	if tell {
		if err := s.send(&grading.RunStudentRetval{SocketID: s.init.SocketID, Retval: int64(uint8(code))}); err != nil {
			log.Warn("exit code not told", "err", err)
		}
	}
	return code
}

func (s *relayedShim) first() (*grading.RunStudentInit, error) {
	b, err := s.in.Next()
	if err != nil {
		return nil, fmt.Errorf("read the command: %w", err)
	}
	m, err := grading.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("read the command: %w", err)
	}
	start, ok := m.(*grading.RunStudentInit)
	if !ok {
		return nil, errFirst
	}
	return start, nil
}

// run joins the command's streams with frames. It returns when the command has
// ended and all its output is sent.
func (s *relayedShim) run() (int, error) {
	var ours, theirs [3]*os.File
	for i := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			return 0, fmt.Errorf("make a pipe: %w", err)
		}
		ours[i], theirs[i] = r, w
		widen(r)
	}
	ours[0], theirs[0] = theirs[0], ours[0] // we write what the command reads
	user := worker.ID
	if s.init.User == "root" {
		user = 0
	}
	for _, f := range theirs {
		if err := f.Chown(user, user); err != nil { // for those who open /dev/stdin and the like
			s.log.Warn("a stream is not the command's own", "err", err)
		}
	}
	in := &intern{log: s.log, files: theirs, signals: make(chan syscall.Signal, maxSignals), login: s.login}
	s.outputs = ours[1:]
	if err := s.begin(); err != nil {
		return 0, err
	}
	go s.feed(ours[0])
	go s.receive(in.signals)
	var sending sync.WaitGroup
	sending.Go(func() { s.pump(ours[1], false) })
	sending.Go(func() { s.pump(ours[2], true) })
	code := in.run(context.Background(), job{
		command: value(s.init.Command), teardown: s.init.Teardown, dir: s.init.WorkingDir,
		ssh: s.init.SSH, alone: true, user: user,
	})
	worker.SweepAll() // what still holds the pipes
	sending.Wait()
	return code, nil
}

// widen makes a pipe hold as much as a block may have, where that can be had: each
// block is a journey of its own.
func widen(pipe *os.File) {
	raw, err := pipe.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, block) })
	}
}

// receive hands on input, signals and what has been taken of the output.
func (s *relayedShim) receive(signals chan<- syscall.Signal) {
	defer close(signals)
	defer s.input.close()
	defer s.output.lift() // nobody will tell
	for {
		b, err := s.in.Next()
		if err != nil {
			return
		}
		m, err := grading.Decode(b)
		if err != nil {
			s.log.Warn("bad frame", "err", err)
			continue
		}
		switch m := m.(type) {
		case *grading.Stdin:
			s.input.put(slices.Clone(m.Message))
		case *grading.Taken:
			s.wasTaken(m.Size)
		case *grading.StudentSignal:
			if n, err := strconv.ParseUint(string(m.Signal), 10, 8); err == nil {
				select {
				case signals <- syscall.Signal(n):
				default: // the command has ended, or will not listen
				}
			}
		}
	}
}

// pump sends one of the command's output streams.
func (s *relayedShim) pump(from *os.File, isStderr bool) {
	buf := make([]byte, block)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			var m grading.Message = &grading.Stdout{SocketID: s.init.SocketID, Message: buf[:n]}
			if isStderr {
				m = &grading.Stderr{SocketID: s.init.SocketID, Message: buf[:n]}
			}
			s.output.take(n)
			if err := s.send(m); err != nil {
				s.log.Warn("output not sent", "err", err)
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (s *relayedShim) login(l student.Login) error {
	return s.send(&grading.SSHStudent{User: l.User, Key: l.Password, ContainerID: s.init.ContainerID})
}

func (s *relayedShim) send(m grading.Message) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.ended {
		return errEnded
	}
	b, err := grading.Append(nil, m)
	if err != nil {
		return err
	}
	return s.out.Write(b)
}

func (s *relayedShim) end() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.ended = true
}
