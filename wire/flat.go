package wire

import "github.com/tinylib/msgp/msgp"

// flatParameters are the environment parameters as they came up to 0.6: fields
// of the message itself.
type flatParameters struct {
	network, time, hardTime, memory, runCmd Raw
}

// nested returns the parameters in the form of all later generations.
func (p *flatParameters) nested() Raw {
	b := msgp.AppendMapHeader(make([]byte, 0, 96), 2)
	if p.runCmd != nil {
		b = msgp.AppendMapHeader(b[:0], 3)
		b = appendRaw(msgp.AppendString(b, "run_cmd"), p.runCmd)
	}
	b = appendRaw(msgp.AppendString(b, "network_grading"), p.network)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "limits"), 3)
	b = appendRaw(msgp.AppendString(b, "time"), p.time)
	b = appendRaw(msgp.AppendString(b, "hard_time"), p.hardTime)
	return appendRaw(msgp.AppendString(b, "memory"), p.memory)
}

// flat is a field that is found in the nested parameters under path when it is
// sent; missing is what is sent in its place. When it is read it is put aside
// for flatParameters.nested.
func flat[T any](key string, at func(*T) *Raw, aside func(*flatParameters) *Raw, missing Raw, path ...string) field[T] {
	return field[T]{
		key: key,
		read: func(d *Dialect, v Raw, _ *T) error {
			*aside(&d.flat) = v
			return nil
		},
		send: func(_ *Dialect, b []byte, m *T) []byte {
			v := *at(m)
			for _, step := range path {
				var ok bool
				if v, ok = Lookup(v, step); !ok {
					return appendRaw(b, missing)
				}
			}
			return appendRaw(b, v)
		},
	}
}

// What is sent for a missing parameter is the default of PROTOCOL.md 4.3.
var (
	sentNil   = Raw{0xc0}
	sentFalse = Raw{0xc2}
	sent30    = Raw{30}
	sent200   = Raw{0xcc, 200}
)

func flatNetwork[T any](at func(*T) *Raw) field[T] {
	return flat("enable_network", at, func(p *flatParameters) *Raw { return &p.network }, sentFalse, "network_grading")
}

func flatTime[T any](at func(*T) *Raw) field[T] {
	return flat("time_limit", at, func(p *flatParameters) *Raw { return &p.time }, sent30, "limits", "time")
}

func flatHardTime[T any](at func(*T) *Raw) field[T] {
	return flat("hard_time_limit", at, func(p *flatParameters) *Raw { return &p.hardTime }, sentNil, "limits", "hard_time")
}

func flatMemory[T any](at func(*T) *Raw) field[T] {
	return flat("mem_limit", at, func(p *flatParameters) *Raw { return &p.memory }, sent200, "limits", "memory")
}

func flatRunCmd[T any](at func(*T) *Raw) field[T] {
	return flat("run_cmd", at, func(p *flatParameters) *Raw { return &p.runCmd }, sentNil, "run_cmd")
}
