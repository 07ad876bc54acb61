package wire

import (
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// UsageKey is a key of a job's inputs that asks an agent of this project to
// put what the job used under the same key of the result's custom data. Webapps
// never send it, so what they see does not change.
const UsageKey = "@ingot.usage"

// Usage is what a job used, all its containers together. Zero means unknown.
type Usage struct {
	CPU        time.Duration // user and system time
	Wall       time.Duration // from its acceptance to its verdict
	MemoryPeak int64         // bytes
	PidsPeak   int64
	Victim     string  // the process that was killed first for want of memory; "": none
	Sent       int64   // bytes, over the network
	Denied     int64   // attempts to reach what jobs may not
	Phases     []Phase // in the order they were entered
}

// Phase is the time a job spent in one phase of its life.
type Phase struct {
	Name string
	Took time.Duration
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
	b := msgp.AppendMapHeader(make([]byte, 0, len(custom)+256), n+1)
	b = append(b, entries...)
	b = msgp.AppendString(b, UsageKey)
	return appendUsage(b, u)
}

func appendUsage(b []byte, u Usage) []byte {
	b = msgp.AppendMapHeader(b, 8)
	b = msgp.AppendFloat64(msgp.AppendString(b, "cpu"), u.CPU.Seconds())
	b = msgp.AppendFloat64(msgp.AppendString(b, "wall"), u.Wall.Seconds())
	b = msgp.AppendInt64(msgp.AppendString(b, "memory_peak"), u.MemoryPeak)
	b = msgp.AppendInt64(msgp.AppendString(b, "pids_peak"), u.PidsPeak)
	b = msgp.AppendString(msgp.AppendString(b, "victim"), u.Victim)
	b = msgp.AppendInt64(msgp.AppendString(b, "sent"), u.Sent)
	b = msgp.AppendInt64(msgp.AppendString(b, "denied"), u.Denied)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "phases"), uint32(len(u.Phases)))
	for _, p := range u.Phases {
		b = msgp.AppendFloat64(msgp.AppendString(b, p.Name), p.Took.Seconds())
	}
	return b
}

// UsageOf reads what [WithUsage] added. False without an error means that there is none.
func UsageOf(custom Raw) (Usage, bool, error) {
	raw, ok := Lookup(custom, UsageKey)
	if !ok {
		return Usage{}, false, nil
	}
	u, err := readUsage(raw)
	if err != nil {
		return Usage{}, false, fmt.Errorf("wire: read usage: %w", err)
	}
	return u, true, nil
}

func readUsage(b []byte) (u Usage, err error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	for ; n > 0 && err == nil; n-- {
		var key string
		if key, b, err = msgp.ReadStringBytes(b); err != nil {
			break
		}
		switch key {
		case "cpu":
			u.CPU, b, err = readSeconds(b)
		case "wall":
			u.Wall, b, err = readSeconds(b)
		case "memory_peak":
			u.MemoryPeak, b, err = msgp.ReadInt64Bytes(b)
		case "pids_peak":
			u.PidsPeak, b, err = msgp.ReadInt64Bytes(b)
		case "victim":
			u.Victim, b, err = msgp.ReadStringBytes(b)
		case "sent":
			u.Sent, b, err = msgp.ReadInt64Bytes(b)
		case "denied":
			u.Denied, b, err = msgp.ReadInt64Bytes(b)
		case "phases":
			u.Phases, b, err = readPhases(b)
		default:
			b, err = msgp.Skip(b)
		}
	}
	return u, err
}

func readPhases(b []byte) (phases []Phase, rest []byte, err error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	for ; n > 0 && err == nil; n-- {
		var p Phase
		if p.Name, b, err = msgp.ReadStringBytes(b); err != nil {
			break
		}
		p.Took, b, err = readSeconds(b)
		phases = append(phases, p)
	}
	return phases, b, err
}

func readSeconds(b []byte) (time.Duration, []byte, error) {
	s, b, err := msgp.ReadFloat64Bytes(b)
	return time.Duration(s * float64(time.Second)), b, err
}
