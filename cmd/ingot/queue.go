package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"
	"time"
)

// queueCmd lists what runs and what waits.
type queueCmd struct {
	backendFlags `embed:""`
	JSON         bool `help:"Print JSON."`
}

// Run prints the queue, running jobs first, then waiting ones in the order in
// which they will be taken.
func (c *queueCmd) Run(ctx context.Context) error {
	cl, _, done, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeoutCause(ctx, c.Patience, fmt.Errorf("the backend did not list its queue"))
	defer cancel()
	q, err := cl.Queue(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(q)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "STATE\tJOB\tTASK\tLAUNCHER\tAGENT\tSINCE")
	for _, j := range q.Running {
		since := time.Since(time.Unix(j.StartedAt, 0)).Round(time.Second)
		fmt.Fprintf(w, "running\t%s\t%s\t%s\t%s\t%v\n", j.JobID, j.Info, j.Launcher, j.Agent, since)
	}
	for _, j := range q.Waiting {
		fmt.Fprintf(w, "waiting\t%s\t%s\t%s\t\t\n", j.JobID, j.Info, j.Launcher)
	}
	return w.Flush()
}
