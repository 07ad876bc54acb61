package grade

import (
	"fmt"
	"slices"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Phase is where a job is in its life. Why it ends is not a phase but the cause
// of its context.
//
//	received ─► waiting ─► preparing ─► running ─► draining ─► reported ─► cleaning ─► gone
//	    └──────────┴───────────┴────────────────────────────────▲
//
// A job refused before its container started goes straight to reported.
type Phase uint8

// The phases of a job, in order.
const (
	Received  Phase = iota // nothing of it exists yet
	Waiting                // for memory that other jobs have
	Preparing              // making workspace, cgroup and container
	Running                // the grading container's process runs
	Draining               // it has ended; reading the rest of its output
	Reported               // the result is out, exactly once
	Cleaning               // removing what it had
	Gone                   // nothing of it is left
)

var phaseNames = [...]string{"received", "waiting", "preparing", "running", "draining", "reported", "cleaning", "gone"}

// String is the phase's name in logs.
func (p Phase) String() string { return phaseNames[p] }

var next = map[Phase][]Phase{
	Received:  {Waiting, Reported},
	Waiting:   {Preparing, Reported},
	Preparing: {Running, Reported},
	Running:   {Draining},
	Draining:  {Reported},
	Reported:  {Cleaning},
	Cleaning:  {Gone},
	Gone:      {},
}

// life is a job's phase and how long it spent in those before.
type life struct {
	phase   Phase
	began   time.Time // of the life
	entered time.Time // of the phase
	past    []wire.Phase
}

func newLife(now time.Time) life { return life{began: now, entered: now} }

// advance moves to phase to. A refused edge is a bug here, never bad input.
func (l *life) advance(to Phase, now time.Time) error {
	if !slices.Contains(next[l.phase], to) {
		return fmt.Errorf("grade: no edge from %s to %s", l.phase, to)
	}
	l.past = append(l.past, wire.Phase{Name: l.phase.String(), Took: now.Sub(l.entered)})
	l.phase, l.entered = to, now
	return nil
}
