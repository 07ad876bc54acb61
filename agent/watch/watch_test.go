package watch

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingot-grading/ingot/cgroups"
)

func TestNextReadingIsWhenTheLimitCouldBeReached(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for _, c := range []struct {
		used, limit time.Duration
		cpus        int
		wait        time.Duration
		over        bool
	}{
		{0, 30 * s, 1, 30 * s, false},
		{0, 30 * s, 2, 15 * s, false},
		{20 * s, 30 * s, 4, 2500 * ms, false},
		{30*s - 5*ms, 30 * s, 1, shortest, false},
		{30 * s, 30 * s, 1, shortest, false}, // over means strictly over (PROTOCOL.md 4.7)
		{30*s + 1, 30 * s, 1, 0, true},
		{0, 1, 128, shortest, false},
	} {
		wait, over := decide(c.used, c.limit, c.cpus)
		if wait != c.wait || over != c.over {
			t.Errorf("decide(%v, %v, %d) = %v, %t; want %v, %t", c.used, c.limit, c.cpus, wait, over, c.wait, c.over)
		}
	}
}

// container is a pretended one that uses busy CPUs all the time.
type container struct {
	started time.Time
	busy    time.Duration
	reads   int
}

func (c *container) cpu() (time.Duration, error) {
	c.reads++
	return time.Since(c.started) * c.busy, nil
}

// watched runs a watch in a bubble and returns after how long it ended the container.
func watched(t *testing.T, l Limits, c *container) (after time.Duration, cause error) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	c.started = time.Now()
	stop := Start(ctx, l, c.cpu, cancel)
	<-ctx.Done()
	after = time.Since(c.started)
	stop()
	stop()
	return after, context.Cause(ctx)
}

func TestEveryLoadIsStoppedInTime(t *testing.T) {
	for _, limit := range []time.Duration{1, time.Millisecond, time.Second, 30 * time.Second, time.Hour} {
		for _, cpus := range []int{1, 2, 8, 128} {
			for _, busy := range []int{1, cpus} {
				t.Run(fmt.Sprintf("%v of %d busy of %d CPUs", limit, busy, cpus), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						c := &container{busy: time.Duration(busy)}
						after, cause := watched(t, Limits{CPU: limit, CPUs: cpus}, c)
						if !errors.Is(cause, ErrCPUTime) {
							t.Fatalf("cause %v", cause)
						}
						if late := after - limit/time.Duration(busy); late <= 0 || late > shortest {
							t.Errorf("stopped %v after its limit", late)
						}
						if c.reads > 3000 {
							t.Errorf("%d readings", c.reads)
						}
					})
				})
			}
		}
	}
}

func TestIdleContainerIsHardlyRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &container{}
		after, cause := watched(t, Limits{CPU: 30 * time.Second, Wall: 90 * time.Second, CPUs: 2}, c)
		if !errors.Is(cause, ErrWallTime) || after != 90*time.Second {
			t.Errorf("ended by %v after %v", cause, after)
		}
		if c.reads > 6 {
			t.Errorf("%d readings of an idle container", c.reads)
		}
	})
}

func TestNoLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &container{busy: 2, started: time.Now()}
		stop := Start(t.Context(), Limits{}, c.cpu, func(err error) { t.Errorf("ended by %v", err) })
		time.Sleep(24 * time.Hour)
		stop()
		if c.reads != 0 {
			t.Errorf("%d readings", c.reads)
		}
	})
}

// A group that is not there uses nothing, and is watched from when it is there:
// some runtimes make it late.
func TestGroupThatIsNotThere(t *testing.T) {
	for name, c := range map[string]struct {
		late  time.Duration
		want  error
		after time.Duration
	}{
		"never": {time.Hour, ErrWallTime, time.Minute},
		"late":  {10500 * time.Millisecond, ErrCPUTime, 13 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			began, reads := time.Now(), 0
			cpu := func() (time.Duration, error) {
				reads++
				if used := time.Since(began) - c.late; used >= 0 {
					return used, nil
				}
				return 0, fmt.Errorf("x: %w", cgroups.ErrGone)
			}
			defer Start(ctx, Limits{CPU: 2 * time.Second, Wall: time.Minute, CPUs: 1}, cpu, cancel)()
			<-ctx.Done()
			if cause := context.Cause(ctx); !errors.Is(cause, c.want) || time.Since(began).Round(time.Second) != c.after || reads > 100 {
				t.Errorf("%s: ended by %v after %v, %d readings", name, cause, time.Since(began), reads)
			}
		})
	}
}

func TestUnreadableCPUTimeEndsTheContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer Start(ctx, Limits{CPU: time.Second}, func() (time.Duration, error) { return 0, broken }, cancel)()
		<-ctx.Done()
		if cause := context.Cause(ctx); !errors.Is(cause, broken) || errors.Is(cause, ErrCPUTime) {
			t.Errorf("ended by %v", cause)
		}
	})
}

func TestNobodyIsToldAfterStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &container{busy: 1, started: time.Now()}
		over := func(err error) { t.Errorf("ended by %v after stop", err) }
		stop := Start(t.Context(), Limits{CPU: time.Second, Wall: 2 * time.Second}, c.cpu, over)
		time.Sleep(time.Second / 2)
		stop()
		ctx, cancel := context.WithCancelCause(t.Context())
		stop = Start(ctx, Limits{CPU: time.Second, Wall: 2 * time.Second}, c.cpu, over)
		cancel(errors.New("the job ended"))
		synctest.Wait()
		time.Sleep(time.Hour)
		stop()
	})
}
