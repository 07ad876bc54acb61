package grade

import (
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Defaults of a task that sets no limits (PROTOCOL.md 4.3).
const (
	defaultTime   = 30 * time.Second
	hardFactor    = 3
	defaultMemory = 200 << 20
)

// LeastMemory is what a container has at least, in bytes, whatever its task says
// (PROTOCOL.md 4.3).
const LeastMemory = 20 << 20

// limits are what one container may use.
type limits struct {
	cpu    time.Duration
	wall   time.Duration
	memory int64 // bytes
}

// limitsOf applies the defaults to what the task asks for. most is the largest
// amount of memory, in bytes, that this agent gives to one container.
func limitsOf(p wire.Parameters, most int64) (limits, error) {
	l := limits{cpu: defaultTime, memory: defaultMemory}
	if p.Time != nil {
		l.cpu = seconds(*p.Time)
	}
	if p.HardTime != nil && *p.HardTime != 0 {
		l.wall = seconds(*p.HardTime)
	} else {
		l.wall = seconds(int64(l.cpu/time.Second) * hardFactor)
	}
	if p.MemoryMiB != nil {
		l.memory = mebibytes(*p.MemoryMiB)
	}
	l.memory = max(l.memory, LeastMemory)
	switch {
	case l.cpu <= 0 || l.wall <= 0:
		return l, refuse(nil, "The task's time limits must be positive: %v of CPU, %v in all.", l.cpu, l.wall)
	case l.memory > most:
		return l, refuse(nil, "Not enough memory on agent (available: %d MiB, asked for: %d MiB).", most>>20, l.memory>>20)
	}
	return l, nil
}

// longest is more than any job takes and still far from overflowing.
const longest = 366 * 24 * time.Hour

func seconds(n int64) time.Duration {
	most := int64(longest / time.Second)
	return time.Duration(max(-most, min(n, most))) * time.Second
}

func mebibytes(n int64) int64 { return max(0, min(n, 1<<40)) << 20 }
