package wire

import (
	"fmt"
	"math"
	"slices"

	"github.com/tinylib/msgp/msgp"
)

// readEnvironments reads type → name → description (PROTOCOL.md 1.7).
func readEnvironments(d *Dialect, v Raw, m *AgentHello) error {
	m.Types, m.Environments = nil, nil
	types := map[string]bool{}
	return d.each(v, func(k, names Raw) error {
		kind, err := d.newName(k, types)
		if err != nil {
			return err
		}
		m.Types = append(m.Types, kind)
		seen := map[string]bool{}
		return d.each(names, func(k, about Raw) error {
			e := Environment{Type: kind, Advertised: true}
			if e.Name, err = d.newName(k, seen); err != nil {
				return err
			}
			hint, err := d.describe(about, &e)
			if err != nil {
				return err
			}
			d.hint &= hint
			m.Environments = append(m.Environments, e)
			return nil
		})
	})
}

// newName reads a name that must not be among those seen: nobody may offer the
// same environment twice.
func (d *Dialect) newName(v Raw, seen map[string]bool) (string, error) {
	name, err := d.name(v)
	if err == nil && seen[name] {
		err = fmt.Errorf("%w: %q is there twice", ErrValue, clip([]byte(name)))
	}
	seen[name] = true
	return name, err
}

// describe reads what an agent says of one environment, and returns in which
// generations an agent would say it so (PROTOCOL.md 1.10).
func (d *Dialect) describe(v Raw, e *Environment) (generations, error) {
	var advertises, fraction bool
	err := d.each(v, func(k, v Raw) (err error) {
		key, _ := k.Bytes()
		ok := true
		switch string(key) {
		case "id":
			e.ID, err = d.name(v)
		case "title":
			e.Title, err = d.name(v)
		case "runtime":
			e.Runtime, err = d.name(v)
		case "created":
			e.Created, ok = v.Number()
			fraction = v.Kind() == KindFloat
		case "ports":
			e.Ports, err = d.ports(v)
		case "advertised":
			e.Advertised, ok = v.Bool()
			advertises = true
		}
		if err == nil && !ok {
			err = mismatch("another type", v)
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", key, err)
		}
		return err
	})
	switch {
	case advertises:
		return legacy | only(GH), err
	case e.Type == mcq: // it was never created, in any generation
		return legacy | current&^only(GH), err
	case fraction:
		return legacy | only(G7, G8a, G8b), err
	}
	return legacy | only(G8b, G9), err
}

func (d *Dialect) ports(v Raw) ([]int64, error) {
	s, err := scan(v, KindArray, d.lim)
	if err == nil {
		err = d.take(s.count)
	}
	if err != nil {
		return nil, err
	}
	ports := make([]int64, 0, s.count) // not nil: an empty list is sent again as one
	err = d.lim.List(v, func(v Raw) error {
		p, ok := v.integer()
		if !ok {
			return mismatch("port number", v)
		}
		ports = append(ports, p)
		return nil
	})
	return ports, err
}

// appendEnvironments is the reverse of readEnvironments.
func appendEnvironments(d *Dialect, b []byte, m *AgentHello) []byte {
	types := slices.Clone(m.Types)
	for _, e := range m.Environments {
		if !slices.Contains(types, e.Type) {
			types = append(types, e.Type)
		}
	}
	b = msgp.AppendMapHeader(b, uint32(len(types)))
	for _, kind := range types {
		of := slices.DeleteFunc(slices.Clone(m.Environments), func(e Environment) bool { return e.Type != kind })
		b = msgp.AppendMapHeader(appendText(b, kind), uint32(len(of)))
		for i := range of {
			b = d.appendDescription(appendText(b, of[i].Name), &of[i])
		}
	}
	return b
}

// bare reports whether e has no more to say than an id, as of a test without
// containers.
func (e *Environment) bare() bool { return e.Title == "" && e.Runtime == "" && e.Ports == nil }

func (d *Dialect) appendDescription(b []byte, e *Environment) []byte {
	n := uint32(2)
	if !e.bare() {
		n = 5
	}
	if d.gen == GH {
		n++
	}
	b = msgp.AppendMapHeader(b, n)
	b = appendText(msgp.AppendString(b, "id"), e.ID)
	if !e.bare() {
		b = appendText(msgp.AppendString(b, "title"), e.Title)
	}
	b = d.appendCreated(b, e)
	if !e.bare() {
		b = appendPorts(b, e.Ports)
		b = appendText(msgp.AppendString(b, "runtime"), e.Runtime)
	}
	if d.gen == GH {
		b = msgp.AppendBool(msgp.AppendString(b, "advertised"), e.Advertised)
	}
	return b
}

// appendCreated adds the time of creation: a float up to 0.8.4, an int since. So
// in 0.8 it is what it can be without losing anything.
func (d *Dialect) appendCreated(b []byte, e *Environment) []byte {
	b = msgp.AppendString(b, "created")
	whole := math.Floor(e.Created)
	if e.Type != mcq && (d.gen < G8b || d.gen == G8b && e.Created != whole) {
		return msgp.AppendFloat64(b, e.Created)
	}
	if !(math.Abs(whole) < 1<<53) { // or not a number
		whole = 0
	}
	return appendInt(b, int64(whole))
}

func appendPorts(b []byte, ports []int64) []byte {
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "ports"), uint32(len(ports)))
	for _, p := range ports {
		b = appendInt(b, p)
	}
	return b
}
