package grade

import (
	"slices"
	"strings"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// sshPort is where a container's SSH server listens.
const sshPort = 22

// sessionTime is both time limits of a job that people may use by its ports
// (PROTOCOL.md 4.3).
const sessionTime = 1800 * time.Second

// access is what a job has of the network.
type access struct {
	network bool     // the grading container has one
	ports   []uint16 // of it that are published
	ssh     bool     // students may be let into their containers
}

// accessOf decides what a job of env gets of the network, and refuses what this
// agent does not offer (PROTOCOL.md 4.3, 4.8).
func (c *Config) accessOf(env *environment, p wire.Parameters, debug wire.Debug) (access, error) {
	a := access{ports: slices.Clone(env.ports)}
	if debug == wire.DebugSSH && !slices.Contains(a.ports, sshPort) {
		a.ports = append(a.ports, sshPort)
	}
	a.network = p.Network || len(a.ports) > 0 || c.Debugger
	// The parameter is that of webapps before there were types for it.
	a.ssh = c.SSH && p.Network && (strings.Contains(env.kind.EnvType, "ssh") || p.SSHAllowed)
	switch {
	case c.Network != nil || !a.network:
		return a, nil
	case debug == wire.DebugSSH:
		return a, refuse(nil, "This agent does not offer SSH.")
	case len(a.ports) > 0:
		return a, refuse(nil, "The environment needs ports, which this agent does not offer.")
	}
	return a, refuse(nil, "The task needs a network, which this agent does not offer.")
}

// extend gives the people who use a job's ports, or its debugger, time.
func (c *Config) extend(l limits, a access) limits {
	if len(a.ports) > 0 || c.Debugger {
		l.cpu, l.wall = sessionTime, sessionTime
	}
	return l
}
