package grade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/network"
	"github.com/ingot-grading/ingot/agent/relay"
	"github.com/ingot-grading/ingot/wire/grading"
)

// student is one student container, from the run_student that asked for it. It
// belongs to the goroutine of live, and after that to the clean-up of the job; the
// job's loop reads req and limits.
type student struct {
	g      *students
	req    *grading.RunStudent
	env    *environment
	limits limits
	number int    // in the job, from 1
	name   string // in the job
	log    *slog.Logger

	network *network.Attachment // of its own; nil: none
	sshPort atomic.Uint32       // external, once there is one
	box     *box
	frames  *relay.Relay           // where no kernel is shared, else nil
	told    atomic.Pointer[uint32] // exit code, by the container's own word; nil: none
	outputs sync.WaitGroup
	stderr  tail
	socket  *os.File // that the script listens on, where the kernel is shared; else nil
	release []func() error
	freed   bool // its memory was given back
	removed bool // the container and its network are gone
}

func newStudent(g *students, r *grading.RunStudent, env *environment, l limits, number int) *student {
	name := studentName(number)
	return &student{g: g, req: r, env: env, limits: l, number: number, name: name, log: g.j.log.With("container", name)}
}

// live is the whole life of a student container. The script hears of the end
// before anything is removed, but of one that filled the disk after that: the
// next one needs the room.
func (s *student) live(ctx context.Context) {
	o := outcome{s: s, retval: retvalRefused}
	end, err := s.run(ctx)
	switch {
	case err == nil:
		o.retval, o.victim, o.used = retval(end), end.victim, &s.box.used
	case ctx.Err() == nil:
		s.g.complain(s.log, "student container not started", err)
	}
	full := s.g.j.space.Full()
	if full {
		s.clean()
	}
	select {
	case s.g.ended <- o:
	case <-ctx.Done():
	}
	if !full {
		s.clean()
	}
	if !s.removed {
		return
	}
	select {
	case s.g.gone <- s:
	case <-ctx.Done():
	}
}

// run sees the container to the end of its process. An error means that it did
// not start.
func (s *student) run(ctx context.Context) (ending, error) {
	ctx, over := context.WithCancelCause(ctx)
	defer over(nil)
	s.g.j.reserve(s.limits.memory)
	if err := s.create(ctx); err != nil {
		return ending{}, err
	}
	s.attach()
	unwatch, err := s.box.start(ctx, s.g.j.e.cfg.Cgroups.CPUs(), over)
	if err != nil {
		s.hangUp() // the rest ends with the container's removal: the outputs of what never ran have no end
		return ending{}, err
	}
	defer unwatch()
	// Only now: whoever hears of it waits for what may never come (PROTOCOL.md 5.5).
	s.g.tell(ctx, &grading.RunStudentStarted{SocketID: s.req.SocketID, ContainerID: s.box.ID()})
	var end ending
	select {
	case exit := <-s.box.Exited():
		end = ending{lost: exit.Err, code: exit.Code}
	case <-ctx.Done():
		end = s.box.kill(ctx)
	}
	s.box.passed("running")
	unwatch()
	s.detach(end.lost != nil)
	end.code = s.code(end.code) // now that all frames were read
	s.box.measure(&end)
	if end.code != 0 {
		s.log.Debug("student container failed", "code", end.code, "stderr", s.g.j.secrets.hide(s.stderr.String()))
	}
	return end, nil
}

// attach begins to read what the container writes. Where no kernel is shared it
// writes frames, which go to the grading container as they are.
func (s *student) attach() {
	stdio := s.box.Stdio()
	s.stderr.follow(stdio.Stderr)
	if s.env.kind.Runtime.SharedKernel {
		s.outputs.Go(func() { _, _ = io.Copy(io.Discard, stdio.Stdout) }) // a broken stream has ended
		return
	}
	s.frames = relay.Start(stdio.Stdin, stdio.Stdout, maxRelayed, func(frame []byte) error {
		if passes(frame, s.req.SocketID, s.g.routes.flow.Load()) {
			_ = s.g.frames.Forward(frame) // a grader that has ended needs nothing
		} else {
			s.hear(frame)
		}
		return nil
	})
	s.g.routes.add(s.box.ID(), s.frames)
}

// hear takes what a frame of the container says to the agent: a login, which is
// passed on, or the command's exit code.
func (s *student) hear(frame []byte) {
	m, err := grading.Decode(frame)
	if err != nil {
		return
	}
	switch m := m.(type) {
	case *grading.SSHStudent:
		if !s.req.SSH {
			return
		}
		select {
		case s.g.logins <- login{s.box.ID(), m.User, m.Key}: // whichever it says it is
		case <-s.g.ctx.Done():
		}
	case *grading.RunStudentRetval:
		code := uint32(uint8(m.Retval))
		s.told.Store(&code)
	}
}

// code is the exit code of the container, by what the runtime says of it: where
// gVisor's shim does not know it, the container's own word is taken.
func (s *student) code(exit uint32) uint32 {
	if told := s.told.Load(); told != nil && exit == codeForgotten {
		return *told
	}
	return exit
}

// hangUp takes the container away from the grader's reach.
func (s *student) hangUp() {
	if s.frames != nil {
		s.g.routes.remove(s.box.ID())
		s.frames.HangUp()
	}
}

// detach sees to it that all that the container wrote has been passed on, and
// that nobody waits for it any more. The grader may take its time to read, up to
// its own end, but the output of a container that was lost may have none.
func (s *student) detach(lost bool) {
	ctx := s.g.ctx
	if lost {
		var done context.CancelFunc
		ctx, done = context.WithTimeoutCause(ctx, drainTimeout, errSlowDrain)
		defer done()
	}
	s.hangUp()
	if s.frames != nil {
		if err := s.frames.Wait(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("bad output of the student container", "err", err)
		}
	}
	ctx, done := context.WithTimeoutCause(ctx, drainTimeout, errSlowDrain)
	defer done()
	s.stderr.wait(ctx)
	if s.socket != nil {
		s.wake()
	}
}

// wake connects to the script's socket and leaves: if the container died before
// it did that, the script would wait for ever (PROTOCOL.md 5.5). Else nobody
// takes notice.
func (s *student) wake() {
	path := fmt.Sprintf("/proc/self/fd/%d", s.socket.Fd())
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return // nobody listens
	}
	conn.Close()
}

// openSocket opens what is at path without connecting to it.
func openSocket(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// clean removes all that the container had. What it cannot remove is tried again
// with the job.
func (s *student) clean() {
	ctx, done := context.WithTimeoutCause(context.Background(), cleanTimeout, errSlowClean)
	defer done()
	if s.socket != nil {
		s.socket.Close()
	}
	if err := s.remove(ctx); err != nil {
		s.log.Error("student container left behind", "err", err)
		s.g.j.e.metrics.failed.Inc()
		return
	}
	s.outputs.Wait()
	err := s.g.j.space.RemoveLayer(ctx, s.name)
	for _, release := range s.release {
		err = errors.Join(err, release())
	}
	if err != nil {
		s.log.Error("files of the student container left behind", "err", err)
	}
}

// remove removes the container, and then its network. It may be called again.
func (s *student) remove(ctx context.Context) error {
	if s.box != nil {
		if err := s.box.remove(ctx); err != nil {
			return err // its memory may still be in use
		}
	}
	if !s.freed {
		s.freed = true
		s.g.j.unreserve(s.limits.memory)
	}
	if err := s.g.j.unreached(s.network); err != nil {
		return err
	}
	if err := disconnect(ctx, s.network); err != nil {
		return err
	}
	s.removed = true
	return nil
}
