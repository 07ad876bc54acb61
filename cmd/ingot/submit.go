package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ingot-grading/ingot/cmd/internal/client"
	"github.com/ingot-grading/ingot/wire"
)

// submitCmd submits one job.
type submitCmd struct {
	backendFlags `embed:""`
	jobFlags     `embed:""`
	JSON         bool   `help:"Print the result as JSON."`
	Archive      string `type:"path" placeholder:"FILE" help:"Write the archive that the grader returned to FILE."`
	Quiet        bool   `short:"q" help:"Do not show progress."`
}

// Run submits the job and prints its result. It ends with status 0 if that is
// "success", 1 if not, 2 if there is no result.
func (c *submitCmd) Run(ctx context.Context) error {
	job, err := c.job()
	if err != nil {
		return err
	}
	cl, envs, closeAll, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	if err := offered(envs, job.EnvironmentType, job.Environment); err != nil {
		return err
	}
	show := newProgress(os.Stderr, c.Quiet)
	began := time.Now()
	done, err := follow(ctx, cl, job, show)
	show.end()
	if err != nil {
		return err
	}
	if err := printResult(os.Stdout, done, time.Since(began), c.JSON); err != nil {
		return err
	}
	if err := c.saveArchive(done.Archive); err != nil {
		return err
	}
	if done.Status != "success" {
		return errUnlike
	}
	return nil
}

func (c *submitCmd) saveArchive(archive []byte) error {
	if c.Archive == "" {
		return nil
	}
	if len(archive) == 0 {
		return fmt.Errorf("the grader returned no archive")
	}
	if err := os.WriteFile(c.Archive, archive, 0o600); err != nil {
		return fmt.Errorf("save the archive: %w", err)
	}
	return nil
}

// newJobID returns an id that no other job has.
func newJobID() string { return "ingot-" + strings.ToLower(rand.Text()) }

// follow submits job and reports what becomes of it to show until its result.
// If ctx ends the job is killed and the result of that awaited for a moment.
func follow(ctx context.Context, cl *client.Client, job *wire.ClientNewJob, show *progress) (*wire.BackendJobDone, error) {
	updates, err := cl.Submit(ctx, job)
	if err != nil {
		return nil, err
	}
	show.to("waiting in the queue")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	stop := ctx.Done()
	var patience <-chan time.Time
	for {
		select {
		case u := <-updates:
			switch {
			case u.Err != nil:
				return nil, u.Err
			case u.Done != nil:
				return u.Done, nil
			case u.SSH != nil:
				show.line(sshHint(u.SSH))
			case u.Started:
				show.to("grading")
			}
		case <-tick.C:
			show.tick()
		case <-stop:
			stop, patience = nil, time.After(10*time.Second)
			show.to("killing")
			if err := cl.Kill(context.WithoutCancel(ctx), job.JobID); err != nil {
				return nil, err
			}
		case <-patience:
			return nil, fmt.Errorf("the job did not end when it was killed: %w", context.Cause(ctx))
		}
	}
}
