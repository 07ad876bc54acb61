package grade

import (
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/watch"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/grading"
)

func TestLimitsOfATask(t *testing.T) {
	n := func(v int64) *int64 { return &v }
	const s, m = time.Second, int64(1 << 20)
	for name, c := range map[string]struct {
		params wire.Parameters
		want   limits
		text   string
	}{
		"defaults":         {wire.Parameters{}, limits{30 * s, 90 * s, 200 * m}, ""},
		"hard time":        {wire.Parameters{Time: n(5)}, limits{5 * s, 15 * s, 200 * m}, ""},
		"hard time of 0":   {wire.Parameters{Time: n(5), HardTime: n(0)}, limits{5 * s, 15 * s, 200 * m}, ""},
		"all":              {wire.Parameters{Time: n(5), HardTime: n(6), MemoryMiB: n(100)}, limits{5 * s, 6 * s, 100 * m}, ""},
		"little memory":    {wire.Parameters{MemoryMiB: n(-3)}, limits{30 * s, 90 * s, 20 * m}, ""},
		"all the memory":   {wire.Parameters{MemoryMiB: n(1000)}, limits{30 * s, 90 * s, 1000 * m}, ""},
		"too much memory":  {wire.Parameters{MemoryMiB: n(1001)}, limits{}, "Not enough memory on agent (available: 1000 MiB, asked for: 1001 MiB)."},
		"no time":          {wire.Parameters{Time: n(0)}, limits{}, "The task's time limits must be positive: 0s of CPU, 0s in all."},
		"no time in all":   {wire.Parameters{Time: n(5), HardTime: n(-1)}, limits{}, "The task's time limits must be positive: 5s of CPU, -1s in all."},
		"negative":         {wire.Parameters{Time: n(math.MinInt64)}, limits{}, "The task's time limits must be positive: -8784h0m0s of CPU, -8784h0m0s in all."},
		"beyond all years": {wire.Parameters{Time: n(math.MaxInt64), HardTime: n(math.MaxInt64)}, limits{longest, longest, 200 * m}, ""},
	} {
		got, err := limitsOf(c.params, 1000*m)
		if c.text == "" && (err != nil || got != c.want) || c.text != "" && (err == nil || textOf(err) != c.text) {
			t.Errorf("%s: got %v, %v; want %v %s", name, got, err, c.want, c.text)
		}
	}
}

// A student gets what is asked for, but never more than the grader has.
func TestStudentLimits(t *testing.T) {
	const s, m = time.Second, int64(1 << 20)
	own := limits{30 * s, 90 * s, 200 * m}
	for _, c := range []struct {
		ask  grading.RunStudent
		want limits
	}{
		{grading.RunStudent{}, own},
		{grading.RunStudent{TimeLimit: 1, HardLimit: 2, MemoryLimit: 3}, limits{s, 2 * s, 3 * m}},
		{grading.RunStudent{TimeLimit: 31, HardLimit: 91, MemoryLimit: 201}, own},
		{grading.RunStudent{TimeLimit: -1, HardLimit: math.MinInt64, MemoryLimit: math.MinInt64}, own},
		{grading.RunStudent{TimeLimit: math.MaxInt64, HardLimit: math.MaxInt64, MemoryLimit: math.MaxInt64}, own},
	} {
		if got := own.forStudent(&c.ask); got != c.want {
			t.Errorf("asked for %+v: got %v, want %v", c.ask, got, c.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	oops, user := errors.New("secret"), refuse(nil, "told")
	for _, c := range []struct {
		name   string
		end    ending
		status string
		text   string
		retval int64
	}{
		{"success", ending{}, "", "", 0},
		{"exit code", ending{code: 7}, "", "", 7},
		{"a wide exit code", ending{code: 256 + 7}, "", "", 7},
		{"lost", ending{lost: oops}, "crash", "", -1},
		{"CPU time", ending{cause: watch.ErrCPUTime, code: 137}, "timeout", "", 253},
		{"wall time", ending{cause: watch.ErrWallTime, code: 137}, "timeout", "", 253},
		{"memory", ending{oomKill: true, code: 137}, "overflow", "", 252},
		{"memory, then time", ending{oomKill: true, cause: watch.ErrCPUTime}, "overflow", "", 252},
		{"killed", ending{cause: agent.ErrKilled, code: 137}, "killed", "", 137},
		{"killed out of memory", ending{oomKill: true, cause: agent.ErrKilled}, "killed", "", 252},
		{"stopping", ending{cause: agent.ErrStopping}, "crash", agent.TextStopping, 0},
		{"no SSH", ending{cause: user}, "crash", "told", 0},
		{"unforeseen", ending{cause: oops}, "crash", agent.TextUnknown, 0},
		{"no SSH, and lost", ending{cause: user, lost: oops}, "crash", "told", -1},
		{"timed out and lost", ending{cause: watch.ErrWallTime, lost: oops}, "timeout", "", 253},
	} {
		if status, text := forced(c.end); status != c.status || text != c.text {
			t.Errorf("%s: got %q %q, want %q %q", c.name, status, text, c.status, c.text)
		}
		if got := retval(c.end); got != c.retval {
			t.Errorf("%s: a student's retval is %d, want %d", c.name, got, c.retval)
		}
	}
}

// Every life goes forward, and ends.
func TestPhases(t *testing.T) {
	for from := range Gone + 1 {
		for to := range Gone + 1 {
			l := life{phase: from}
			err := l.advance(to, time.Now())
			forward := to == from+1 || to == Reported && from < Running
			if (err == nil) != forward || err == nil && l.phase != to {
				t.Errorf("from %s to %s: %v", from, to, err)
			}
		}
	}
}

// The log says why a job was stopped, and warns if nobody wanted it.
func TestStoppedIsLogged(t *testing.T) {
	for want, end := range map[string]ending{
		`level=INFO msg="job stopped" status=overflow`:                                 {oomKill: true},
		`level=INFO msg="job stopped" status=killed cause="the client killed it"`:      {cause: errors.New("the client killed it")},
		`level=WARN msg="job stopped" status=crash lost="no shim"`:                     {lost: errors.New("no shim")},
		`level=WARN msg="job stopped" status=crash cause="agent stops" lost="no shim"`: {cause: errors.New("agent stops"), lost: errors.New("no shim")},
	} {
		var log strings.Builder
		j := &job{log: slog.New(slog.NewTextHandler(&log, nil))}
		_, status, _ := strings.Cut(want, "status=")
		status, _, _ = strings.Cut(status, " ")
		j.stopped(status, end)
		if !strings.HasSuffix(log.String(), " "+want+"\n") {
			t.Errorf("logged %q, want %q", log.String(), want)
		}
	}
}
