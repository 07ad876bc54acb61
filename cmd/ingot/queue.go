package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/ingot-grading/ingot/cmd/internal/client"
	"github.com/ingot-grading/ingot/wire"
)

// queueCmd lists what runs and what waits.
type queueCmd struct {
	backendFlags `embed:""`
	JSON         bool `help:"Print JSON."`
}

// Run prints the queue, running jobs first, then waiting ones in the order in
// which they will be taken.
func (c *queueCmd) Run(ctx context.Context) error {
	return c.ask(ctx, func(ctx context.Context, cl *client.Client) error {
		q, err := cl.Queue(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(os.Stdout).Encode(q)
		}
		return listQueue(os.Stdout, q)
	})
}

func listQueue(out io.Writer, q *wire.BackendGetQueue) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "STATE\tJOB\tTASK\tLAUNCHER\tAGENT\tSINCE")
	for _, j := range q.Running {
		since := time.Since(time.Unix(j.StartedAt, 0)).Round(time.Second)
		fmt.Fprintf(w, "running\t%s\t%s\t%s\t%s\t%v\n", inLine(j.JobID), inLine(j.Info), inLine(j.Launcher), inLine(j.Agent), since)
	}
	for _, j := range q.Waiting {
		fmt.Fprintf(w, "waiting\t%s\t%s\t%s\t\t\n", inLine(j.JobID), inLine(j.Info), inLine(j.Launcher))
	}
	return w.Flush()
}
