package grade

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ingot-grading/ingot/agent/relay"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/wire/grading"
)

var (
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

	living  map[string]*student // by socket, until they ended
	memory  int64               // of those that are not gone
	count   int64               // of those
	most    cgroups.Limits      // that the job's group has had
	made    int
	refused int

	ctx    context.Context
	stop   context.CancelCauseFunc
	work   sync.WaitGroup
	asked  chan *grading.RunStudent
	logins chan login // also of the grading container
	ended  chan outcome
	gone   chan *student
}

// outcome is how a student container ended.
type outcome struct {
	s      *student
	retval int64
	victim string // who was killed in it for want of memory, if anybody
}

func newStudents(ctx context.Context, j *job) *students {
	g := &students{
		j: j, living: map[string]*student{}, most: j.groupLimits(0, 0),
		asked: make(chan *grading.RunStudent), logins: make(chan login),
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
		if g.refused++; g.refused <= maxComplaints {
			g.j.log.Warn("student container refused", "socket", r.SocketID, "err", err, "count", g.refused)
		}
		code := int64(retvalRefused)
		if errors.Is(err, errKernel) {
			code = retvalNoRoot // what the container itself would say
		}
		g.answer(ctx, r.SocketID, code)
		return nil
	}
	g.living[r.SocketID] = s
	g.memory, g.count = g.memory+s.limits.memory, g.count+1
	g.work.Go(func() { s.live(g.ctx) })
	return nil
}

// admit decides whether a student container may be, and makes room for it.
func (g *students) admit(r *grading.RunStudent) (*student, error) {
	env, err := g.environment(r)
	if err != nil {
		return nil, err
	}
	l := g.j.limits.forStudent(r)
	if err := g.widen(g.j.groupLimits(g.memory+l.memory, g.count+1)); err != nil {
		return nil, err
	}
	g.made++
	g.j.e.metrics.students.Inc()
	return newStudent(g, r, env, l, fmt.Sprintf("s%d", g.made)), nil
}

// environment finds the environment that is asked for, if it may be had (PROTOCOL.md 4.10).
func (g *students) environment(r *grading.RunStudent) (*environment, error) {
	parent := g.j.env
	name := parent.name
	if r.Environment != nil {
		name = *r.Environment
	}
	env := (*g.j.e.known.Load())[[2]string{parent.kind.EnvType, name}]
	switch {
	case len(g.living) >= g.j.e.cfg.Students:
		return nil, errTooMany
	case g.living[r.SocketID] != nil:
		return nil, errAsked
	case env == nil:
		return nil, fmt.Errorf("%w: %q", errNoEnv, name)
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
	g.answer(ctx, o.s.req.SocketID, o.retval)
}

// forget takes a student container out of the account.
func (g *students) forget(s *student) {
	g.memory, g.count = g.memory-s.limits.memory, g.count-1
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
