package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// benchCmd submits the same job again and again.
type benchCmd struct {
	backendFlags `embed:""`
	jobFlags     `embed:""`
	Jobs         int `short:"n" default:"50" help:"How many jobs (${default})."`
	Parallel     int `short:"c" default:"1" help:"How many at a time (${default})."`
}

// Run prints how long the jobs took, as a webapp would see it. It ends with
// status 1 if one of them was not "success".
func (c *benchCmd) Run(ctx context.Context) error {
	if c.Jobs < 1 || c.Parallel < 1 {
		return fmt.Errorf("-n %d -c %d: at least one of each is needed", c.Jobs, c.Parallel)
	}
	job, err := c.job()
	if err != nil {
		return err
	}
	cl, envs, done, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := offered(envs, job.EnvironmentType, job.Environment); err != nil {
		return err
	}
	took := make([]time.Duration, c.Jobs)
	bad := make([]string, c.Jobs)
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(c.Parallel)
	began := time.Now()
	for i := range c.Jobs {
		work.Go(func() error {
			job, err := c.job()
			if err != nil {
				return err
			}
			start := time.Now()
			result, err := follow(ctx, cl, job, newProgress(os.Stderr, true))
			if err != nil {
				return err
			}
			took[i] = time.Since(start)
			if result.Status != "success" {
				bad[i] = result.Status + ": " + result.Text
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	all := time.Since(began)
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	fmt.Printf("%d jobs, %d at a time: %.1f jobs/s; min %.0f, p50 %.0f, p95 %.0f, max %.0f ms\n", c.Jobs, c.Parallel,
		float64(c.Jobs)/all.Seconds(), ms(took[0]), ms(took[len(took)/2]), ms(took[len(took)*95/100]), ms(took[len(took)-1]))
	bad = slices.DeleteFunc(bad, func(s string) bool { return s == "" })
	if len(bad) > 0 {
		fmt.Printf("%d without success, the first: %s\n", len(bad), bad[0])
		return errUnlike
	}
	return nil
}
