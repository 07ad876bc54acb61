package wire

import (
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
	known := slices.DeleteFunc(slices.Clone(m.Environments), func(e Environment) bool { return e.Type != legacyType(e.Name) })
	b = msgp.AppendMapHeader(b, uint32(len(known)))
	for i := range known {
		e := &known[i]
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
	return b
}
