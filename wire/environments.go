package wire

import (
	"fmt"
	"math"
	"slices"

	"github.com/tinylib/msgp/msgp"
)

// mcq is the environment type without containers, and the name of its one
// environment. Up to 0.6 there are only names, and this one is special.
const mcq = "mcq"

// legacyType returns the type of an environment that has only a name.
func legacyType(name string) string {
	if name == mcq {
		return mcq
	}
	return "docker"
}

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
			err = mismatch("another type in "+string(clip(key)), v)
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
		b = appendText(b, kind)
		at, n := len(b), uint32(0)
		for i := range m.Environments {
			if e := &m.Environments[i]; e.Type == kind {
				b = d.appendDescription(appendText(b, e.Name), e)
				n++
			}
		}
		b = slices.Insert(b, at, msgp.AppendMapHeader(nil, n)...)
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

// appendCreated adds the time of creation: a float up to 0.8.4, an int since.
func (d *Dialect) appendCreated(b []byte, e *Environment) []byte {
	b = msgp.AppendString(b, "created")
	if d.gen < G8b && e.Type != mcq {
		return msgp.AppendFloat64(b, e.Created)
	}
	if !(math.Abs(e.Created) < 1<<53) {
		return appendInt(b, 0)
	}
	return appendInt(b, int64(math.Floor(e.Created)))
}

func appendPorts(b []byte, ports []int64) []byte {
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "ports"), uint32(len(ports)))
	for _, p := range ports {
		b = appendInt(b, p)
	}
	return b
}

// readContainers reads name → description, the form up to 0.6.
func readContainers(d *Dialect, v Raw, m *AgentHello) error {
	m.Environments = nil
	seen := map[string]bool{}
	return d.each(v, func(k, about Raw) error {
		name, err := d.newName(k, seen)
		if err != nil {
			return err
		}
		e := Environment{Type: legacyType(name), Name: name, Advertised: true}
		if _, err := d.describe(about, &e); err != nil {
			return err
		}
		switch {
		case e.Ports != nil:
			d.hint &^= only(G5)
		case e.Type != mcq:
			d.hint &^= only(G6)
		}
		m.Environments = append(m.Environments, e)
		return nil
	})
}

// appendContainers is the reverse of readContainers. Environments of types that
// these generations do not have are left out.
func appendContainers(d *Dialect, b []byte, m *AgentHello) []byte {
	at, n := len(b), uint32(0)
	for i := range m.Environments {
		e := &m.Environments[i]
		if e.Type != legacyType(e.Name) {
			continue
		}
		n++
		b = appendText(b, e.Name)
		ports := d.gen == G6 && !e.bare()
		size := uint32(2)
		if ports {
			size = 3
		}
		b = appendText(msgp.AppendString(msgp.AppendMapHeader(b, size), "id"), e.ID)
		b = d.appendCreated(b, e)
		if ports {
			b = appendPorts(b, e.Ports)
		}
	}
	return slices.Insert(b, at, msgp.AppendMapHeader(nil, n)...)
}

var (
	backendUpdateEnvironments = newLayout(current, "BackendUpdateEnvironments", []field[BackendUpdateEnvironments]{
		{key: "available_environments", read: readAvailable, send: appendAvailable},
	})
	legacyBackendUpdateEnvironments = newLayout(legacy, "backend_update_containers", []field[BackendUpdateEnvironments]{
		{key: "available_containers", read: readAvailableNames, send: appendAvailableNames},
	})
)

// readAvailable reads type → names.
func readAvailable(d *Dialect, v Raw, m *BackendUpdateEnvironments) error {
	m.Available = nil
	return d.each(v, func(k, names Raw) error {
		kind, err := d.name(k)
		if err != nil {
			return err
		}
		group := EnvironmentNames{Type: kind}
		err = d.eachName(names, func(name string) { group.Names = append(group.Names, name) })
		m.Available = append(m.Available, group)
		return err
	})
}

func (d *Dialect) eachName(v Raw, f func(name string)) error {
	s, err := scan(v, KindArray, d.lim)
	if err == nil {
		err = d.take(s.count)
	}
	if err != nil {
		return err
	}
	return d.lim.List(v, func(v Raw) error {
		name, err := d.name(v)
		if err == nil {
			f(name)
		}
		return err
	})
}

func appendAvailable(_ *Dialect, b []byte, m *BackendUpdateEnvironments) []byte {
	b = msgp.AppendMapHeader(b, uint32(len(m.Available)))
	for _, group := range m.Available {
		b = msgp.AppendArrayHeader(appendText(b, group.Type), uint32(len(group.Names)))
		for _, name := range group.Names {
			b = appendText(b, name)
		}
	}
	return b
}

// readAvailableNames reads the plain list of names that was sent up to 0.6. A
// type comes more than once where that keeps the order.
func readAvailableNames(d *Dialect, v Raw, m *BackendUpdateEnvironments) error {
	m.Available = nil
	return d.eachName(v, func(name string) {
		kind := legacyType(name)
		if n := len(m.Available); n == 0 || m.Available[n-1].Type != kind {
			m.Available = append(m.Available, EnvironmentNames{Type: kind})
		}
		last := &m.Available[len(m.Available)-1]
		last.Names = append(last.Names, name)
	})
}

// appendAvailableNames lists the environments that such a client can ask for.
func appendAvailableNames(_ *Dialect, b []byte, m *BackendUpdateEnvironments) []byte {
	at, n := len(b), uint32(0)
	for _, group := range m.Available {
		for _, name := range group.Names {
			if group.Type == legacyType(name) {
				b = appendText(b, name)
				n++
			}
		}
	}
	return slices.Insert(b, at, msgp.AppendArrayHeader(nil, n)...)
}
