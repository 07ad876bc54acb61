package wire

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Parameters are the environment parameters of a container job, as far as
// agents read them (PROTOCOL.md 1.6 and 4.3). A nil number was not given, and
// the agent's default holds.
type Parameters struct {
	RunCmd     *string // command line instead of the task's run file
	Network    bool    // network_grading
	SSHAllowed bool    // 0.8.0 to 0.8.5 only
	Time       *int64  // CPU seconds
	HardTime   *int64  // seconds of wall time; nil also for zero, nil and ""
	MemoryMiB  *int64
}

// ReadParameters reads environment_parameters. Unknown keys are ignored.
// Numbers are taken as Python's int() takes them: ints, floats without their
// fraction, texts; what does not fit is cut to the greatest or smallest int64.
// The error wraps [ErrValue] and names the parameter.
func ReadParameters(params Raw) (Parameters, error) {
	var p Parameters
	if params.Kind() != KindMap {
		return p, fmt.Errorf("environment_parameters: %w", mismatch("map", params))
	}
	if v, ok := Lookup(params, "run_cmd"); ok && v.Kind() != KindNil {
		cmd, ok := v.Text()
		if !ok {
			return p, fmt.Errorf("run_cmd: %w", mismatch("text or nil", v))
		}
		p.RunCmd = &cmd
	}
	p.Network = lookupTruth(params, "network_grading")
	p.SSHAllowed = lookupTruth(params, "ssh_allowed")
	limits, ok := Lookup(params, "limits")
	if !ok {
		return p, nil
	}
	if limits.Kind() != KindMap {
		return p, fmt.Errorf("limits: %w", mismatch("map", limits))
	}
	var errs [3]error
	p.Time, errs[0] = lookupInt(limits, "time")
	p.MemoryMiB, errs[1] = lookupInt(limits, "memory")
	if lookupTruth(limits, "hard_time") {
		p.HardTime, errs[2] = lookupInt(limits, "hard_time")
	}
	return p, errors.Join(errs[:]...)
}

// MaxTime returns the seconds that the queue listing shows for a job with these
// parameters, or -1 if they do not say.
func MaxTime(params Raw) int64 {
	limits, _ := Lookup(params, "limits")
	n, err := lookupInt(limits, "time")
	if err != nil || n == nil {
		return -1
	}
	return *n
}

func lookupTruth(m Raw, key string) bool {
	v, ok := Lookup(m, key)
	return ok && v.Truth()
}

// lookupInt returns the number under key, or nil if there is none.
func lookupInt(m Raw, key string) (*int64, error) {
	v, ok := Lookup(m, key)
	if !ok {
		return nil, nil
	}
	n, ok := pythonInt(v)
	if !ok {
		return nil, fmt.Errorf("%s: %w", key, mismatch("a number", v))
	}
	return &n, nil
}

// pythonInt is Python's int(), and whether it would not throw.
func pythonInt(v Raw) (int64, bool) {
	switch v.Kind() {
	case KindBool:
		if on, _ := v.Bool(); on {
			return 1, true
		}
		return 0, true
	case KindInt:
		if n, ok := v.Int(); ok {
			return n, true
		}
		return math.MaxInt64, true
	case KindFloat:
		f, _ := v.Float()
		switch {
		case math.IsNaN(f), math.IsInf(f, 0):
			return 0, false
		case f >= math.MaxInt64:
			return math.MaxInt64, true
		case f <= math.MinInt64:
			return math.MinInt64, true
		}
		return int64(f), true
	case KindText, KindBytes:
		b, _ := v.Bytes()
		return parsePythonInt(string(b))
	}
	return 0, false
}

// parsePythonInt reads decimal digits with an optional sign, spaces around them
// and single underscores between them.
func parsePythonInt(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	digits := strings.TrimPrefix(strings.TrimPrefix(s, "+"), "-")
	if strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") || strings.Contains(digits, "__") {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
	return n, err == nil || errors.Is(err, strconv.ErrRange)
}
