package grade

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/ingot-grading/ingot/agent/relay"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/grading"
)

var (
	errSocket  = errors.New("a socket that no file could be called")
	errTooMany = errors.New("too many student containers at once")
	errAsked   = errors.New("a student container of this socket runs already")
	errNoEnv   = errors.New("no such environment")
	errRoot    = errors.New("students may not be root")
	errKernel  = errors.New("students may not be root of the host's kernel")
	errOver    = errors.New("the grading container has ended")
)

// students are the student containers of a job. They belong to the job's loop;
// each container belongs to a goroutine of its own, which sends to ended once
// its process has, and to gone when nothing is left of it.
type students struct {
	j      *job
	frames *relay.Relay
	routes routes

	living map[string]*student   // by socket, until they ended
	here   map[*student]struct{} // until they are removed
	memory int64                 // of those here
	most   cgroups.Limits        // that the job's group has had
	made   int
	unmade atomic.Int64 // refused or not started

	ctx     context.Context
	stop    context.CancelCauseFunc
	work    sync.WaitGroup
	asked   chan *grading.RunStudent
	unclear chan string // sockets of requests that nobody understands
	logins  chan login  // also of the grading container
	ended   chan outcome
	gone    chan *student
}

// outcome is how a student container ended.
type outcome struct {
	s      *student
	retval int64
	victim string               // who was killed in it for want of memory, if anybody
	used   *wire.ContainerUsage // nil: it did not start
}

func newStudents(ctx context.Context, j *job) *students {
	g := &students{
		j: j, living: map[string]*student{}, here: map[*student]struct{}{}, most: j.groupLimits(0, 0),
		asked: make(chan *grading.RunStudent), unclear: make(chan string), logins: make(chan login),
		ended: make(chan outcome), gone: make(chan *student),
	}
	g.ctx, g.stop = context.WithCancelCause(ctx)
	return g
}

// ask makes a student container, or answers that there will be none. An error
// ends the job.
func (g *students) ask(ctx context.Context, r *grading.RunStudent) error {
	if r.SSH && !g.j.access.ssh {
		return refuse(nil, "%s", g.j.noSSH())
	}
	s, err := g.admit(r)
	if err != nil {
		g.complain(g.j.log.With("socket", r.SocketID), "student container refused", err)
		code := int64(retvalRefused)
		if errors.Is(err, errKernel) {
			code = retvalNoRoot // what the container itself would say
		}
		g.answer(ctx, r.SocketID, code)
		return nil
	}
	g.living[r.SocketID] = s
	g.work.Go(func() { s.live(g.ctx) })
	return nil
}

// complain tells why there is no student container. A grader can ask for thousands.
func (g *students) complain(log *slog.Logger, msg string, err error) {
	if n := g.unmade.Add(1); n <= maxComplaints {
		log.Warn(msg, "err", err, "count", n)
	}
}

// admit decides whether a student container may be, and makes room for it.
func (g *students) admit(r *grading.RunStudent) (*student, error) {
	env, err := g.environment(r)
	if err != nil {
		return nil, err
	}
	l := g.j.limits.forStudent(r)
	if err := g.widen(g.j.groupLimits(g.memory+l.memory, int64(len(g.here))+1)); err != nil {
		return nil, err
	}
	g.memory += l.memory
	g.made++
	g.j.e.metrics.students.Inc()
	s := newStudent(g, r, env, l, g.made)
	g.here[s] = struct{}{}
	return s, nil
}

// environment finds the environment that is asked for, if it may be had (PROTOCOL.md 4.10).
func (g *students) environment(r *grading.RunStudent) (*environment, error) {
	parent := g.j.env
	name := parent.name
	if r.Environment != nil {
		name = *r.Environment
	}
	env := g.j.e.find(parent.kind.EnvType, name)
	switch {
	case len(g.living) >= g.j.e.cfg.Students:
		return nil, errTooMany
	case g.living[r.SocketID] != nil:
		return nil, errAsked
	case env == nil:
		return nil, fmt.Errorf("%w: %.100q", errNoEnv, name)
	case r.RunAsRoot && !env.kind.Runtime.Root:
		return nil, errRoot
	case r.RunAsRoot && env.kind.Runtime.SharedKernel:
		return nil, errKernel
	case r.ShareNetwork && !r.SSH && !env.kind.Runtime.SharedKernel:
		return nil, errNoNetwork
	}
	return env, nil
}

// widen raises the limits of the job's group. They never sink: what a student
// container leaves behind, files in memory above all, is still counted there.
func (g *students) widen(l cgroups.Limits) error {
	if l.Memory <= g.most.Memory && l.Pids <= g.most.Pids {
		return nil
	}
	l.Memory, l.Pids = max(l.Memory, g.most.Memory), max(l.Pids, g.most.Pids)
	if err := g.j.group.Set(l); err != nil {
		return fmt.Errorf("make room for a student container: %w", err)
	}
	g.most = l
	return nil
}

// finish answers for a student container that has ended.
func (g *students) finish(ctx context.Context, o outcome) {
	delete(g.living, o.s.req.SocketID)
	g.j.blame(o.victim)
	if o.used != nil {
		g.j.list(*o.used)
	}
	g.answer(ctx, o.s.req.SocketID, o.retval)
}

// forget takes a student container that is removed out of the account.
func (g *students) forget(s *student) {
	delete(g.here, s)
	g.memory -= s.limits.memory
}

// left are those that could not be removed, once the goroutines of all have
// ended. There are none of a job that never ran.
func (g *students) left() (all []*student) {
	if g == nil {
		return nil
	}
	for s := range g.here {
		if !s.removed {
			all = append(all, s)
		}
	}
	return all
}

func (g *students) answer(ctx context.Context, socket string, retval int64) {
	g.tell(ctx, &grading.RunStudentRetval{Retval: retval, SocketID: socket})
}

// tell sends a message to the grading container. One that has ended needs none.
func (g *students) tell(ctx context.Context, m grading.Message) {
	frame, err := grading.Append(nil, m)
	if err == nil {
		err = g.frames.Send(ctx, frame)
	}
	if err != nil && !errors.Is(err, relay.ErrEnded) && ctx.Err() == nil {
		g.j.log.Warn("message not sent", "err", err)
	}
}
