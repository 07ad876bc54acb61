package wire

import (
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"
)

//go:generate go tool msgp -io=false -tests=false -o usage_gen.go

// What is read may be a grader's own, and is no reason to allocate much.
//
//msgp:limit arrays:1000 maps:100
//msgp:replace string with:Text

// UsageKey is a key of a job's inputs that asks an agent of this project to
// put what the job used under the same key of the result's custom data. Webapps
// never send it, so what they see does not change.
const UsageKey = "@ingot.usage"

// Usage is what a job used. Zero means unknown.
type Usage struct {
	All        Resources        `msg:"all"`        // of all its containers together
	Wall       time.Duration    `msg:"wall"`       // from its acceptance to its verdict
	Victim     string           `msg:"victim"`     // the process that was killed first for want of memory; "": none
	Sent       int64            `msg:"sent"`       // bytes, over the network
	Denied     int64            `msg:"denied"`     // attempts to reach what jobs may not
	Phases     []Phase          `msg:"phases"`     // in the order they were entered
	Containers []ContainerUsage `msg:"containers"` // the grading one, then the students' as they ended
	Unlisted   int64            `msg:"unlisted"`   // containers that were too many for the list
}

// Resources are what a container used, or several together. Zero means unknown.
type Resources struct {
	CPU        time.Duration `msg:"cpu"`         // user and system time
	MemoryPeak int64         `msg:"memory_peak"` // bytes
	PidsPeak   int64         `msg:"pids_peak"`   // processes and threads
	Read       int64         `msg:"read"`        // bytes, from block devices; what was in memory is not counted
	Written    int64         `msg:"written"`     // bytes, to block devices
}

// ContainerUsage is what one container of a job used.
type ContainerUsage struct {
	Name   string    `msg:"name"` // in the job
	End    End       `msg:"end"`
	Code   int64     `msg:"code"`   // of a process that has exited, 128+n if signal n ended it
	Used   Resources `msg:"used"`   // so far, if it runs
	Phases []Phase   `msg:"phases"` // in the order they were entered
}

// End is how a container ended.
type End string

// The ends of containers. There may be others some day.
const (
	EndExited   End = "exited"   // by itself
	EndTimeout  End = "timeout"  // at a limit of time
	EndOverflow End = "overflow" // out of memory
	EndKilled   End = "killed"   // for any other reason
	EndLost     End = "lost"     // nobody knows
	EndRunning  End = "running"  // not yet: its job did
)

// Phase is the time that a job or a container spent in one phase of its life.
type Phase struct {
	Name string        `msg:"name"`
	Took time.Duration `msg:"took"`
}

// WantsUsage reports whether a job's inputs ask for its usage.
func WantsUsage(inputs Raw) bool {
	v, ok := Lookup(inputs, UsageKey)
	return ok && len(v) == 1 && v[0] == 0xc3 // true
}

// WithUsage returns custom, a map, with u added under [UsageKey]. A value that
// is no map is returned as it is.
func WithUsage(custom Raw, u Usage) Raw {
	if len(custom) == 0 {
		custom = Raw{0x80}
	}
	n, entries, err := msgp.ReadMapHeaderBytes(custom)
	if err != nil {
		return custom
	}
	b := msgp.AppendMapHeader(make([]byte, 0, len(custom)+len(UsageKey)+u.Msgsize()), n+1)
	b = append(b, entries...)
	with, err := u.MarshalMsg(msgp.AppendString(b, UsageKey))
	if err != nil {
		return custom
	}
	return with
}

// UsageOf reads what [WithUsage] added. False without an error means that there is none.
func UsageOf(custom Raw) (Usage, bool, error) {
	raw, ok := Lookup(custom, UsageKey)
	if !ok {
		return Usage{}, false, nil
	}
	var u Usage
	if _, err := u.UnmarshalMsg(raw); err != nil {
		return Usage{}, false, fmt.Errorf("wire: read usage: %w", err)
	}
	return u, true, nil
}
