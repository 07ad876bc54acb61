package mainproc

import (
	"context"
	"time"

	"github.com/ingot-grading/ingot/agent/guest/sshd"
	"github.com/ingot-grading/ingot/agent/guest/worker"
	"github.com/ingot-grading/ingot/wire/grading"
)

// sshSession is how long a person may stay.
const sshSession = 1800 * time.Second

// What the result says of a session that there was not.
const (
	textNobody = "[SSH Debug] Nobody connected to the SSH server."
	textNoSSH  = "[SSH Debug] The SSH server of this environment could not be started."
)

// letIn lets a person in by SSH instead of running the script; the result is what
// that person leaves as feedback (TOOLKIT.md 9.5). It complains if nobody came.
// Like a script, that person leaves nothing running.
func (j *job) letIn(ctx context.Context, asRoot bool) (complaint string) {
	user := "worker"
	if asRoot {
		user = "root"
	}
	defer worker.SweepAll()
	s, err := sshd.Start(ctx, user)
	if err != nil {
		j.log.Error("no SSH server", "err", err)
		return textNoSSH
	}
	defer s.Close()
	f, err := grading.Append(nil, &grading.SSHDebug{User: user, Key: s.Password})
	if err != nil {
		j.log.Error("login not sent", "err", err)
		return textNoSSH
	}
	j.frames <- f
	if err := s.Wait(ctx, sshSession); err != nil {
		j.log.Warn("no SSH session", "err", err)
		return textNobody
	}
	return ""
}
