package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/ingot-grading/ingot/cmd/internal/client"
	"github.com/ingot-grading/ingot/wire"
)

// killCmd kills one job.
type killCmd struct {
	backendFlags `embed:""`
	Job          string `arg:"" help:"Id of the job, as listed by ingot queue."`
}

// Run asks for the job's end and says what came of that. The job's own client
// gets its result. It ends with status 1 if there is no such job.
func (c *killCmd) Run(ctx context.Context) error {
	return c.ask(ctx, func(ctx context.Context, cl *client.Client) error {
		return kill(ctx, cl, c.Job, os.Stdout)
	})
}

// kill looks at the queue on both sides of the request, as the backend does not
// answer it (PROTOCOL.md 2.4). It handles what one connection sends in order.
func kill(ctx context.Context, cl *client.Client, job string, out io.Writer) error {
	before, err := cl.Queue(ctx)
	if err != nil {
		return err
	}
	// The request is sent even for a job that is not listed: it may come to the
	// queue this very moment, and it harms nobody.
	if err := cl.Kill(ctx, job); err != nil {
		return err
	}
	after, err := cl.Queue(ctx)
	if err != nil {
		return err
	}
	was, is := find(before, job), find(after, job)
	switch {
	case was == nowhere && is == nowhere:
		fmt.Fprintf(out, "%s: the backend has no such job\n", job)
		return errUnlike
	case is != nowhere:
		fmt.Fprintf(out, "%s: it %s, and was told to end\n", job, is)
	default:
		fmt.Fprintf(out, "%s: it has ended; before, it %s\n", job, was)
	}
	return nil
}

const nowhere = ""

// find says what a job did when the queue was listed.
func find(q *wire.BackendGetQueue, job string) string {
	if i := slices.IndexFunc(q.Running, func(j wire.RunningJob) bool { return j.JobID == job }); i >= 0 {
		return "ran on " + inLine(q.Running[i].Agent)
	}
	if slices.ContainsFunc(q.Waiting, func(j wire.WaitingJob) bool { return j.JobID == job }) {
		return "waited in the queue"
	}
	return nowhere
}
