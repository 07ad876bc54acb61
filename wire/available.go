package wire

import "github.com/tinylib/msgp/msgp"

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
	var names []string
	for _, group := range m.Available {
		for _, name := range group.Names {
			if group.Type == legacyType(name) {
				names = append(names, name)
			}
		}
	}
	b = msgp.AppendArrayHeader(b, uint32(len(names)))
	for _, name := range names {
		b = appendText(b, name)
	}
	return b
}
