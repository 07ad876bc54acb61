package taskfile

import (
	"fmt"

	"github.com/ingot-grading/ingot/wire"
)

// Defaults of webapps, for a task that has limits (PROTOCOL.md 7.1): seconds,
// seconds of wall clock time for each of them, MiB.
const (
	defaultTime    = 20
	hardTimeFactor = 3
	defaultMemory  = 1024
	defaultDisk    = 1024
)

// Change is what takes the place of a task's own parameters. Zero fields change
// nothing.
type Change struct {
	Time, HardTime int64 // seconds
	Memory         int64 // MiB
	Network        bool
	RunCmd         *string
}

// Parameters is the environment_parameters of a job: the task's own, changed,
// and with a webapp's defaults for the limits that a task with limits leaves out.
func (t *Task) Parameters(c Change) (wire.Raw, error) {
	p := t.parameters.clone()
	if t.EnvironmentType == quiz { // nothing there has limits
		return parameters(p)
	}
	if c.RunCmd != nil {
		p.set("run_cmd", *c.RunCmd)
	}
	if c.Network || p.get("network_grading") == nil {
		p.set("network_grading", c.Network)
	}
	own, err := p.child("limits")
	if err != nil {
		return nil, err
	}
	limits := own.clone()
	for _, l := range []struct {
		name  string
		value int64
	}{{"time", c.Time}, {"hard_time", c.HardTime}, {"memory", c.Memory}} {
		if l.value != 0 {
			limits.set(l.name, l.value)
		}
	}
	if own != nil {
		limits.complete()
	}
	p.set("limits", limits)
	return parameters(p)
}

func parameters(p *mapping) (wire.Raw, error) {
	b, err := appendValue(nil, p)
	if err != nil {
		return nil, fmt.Errorf("environment_parameters: %w", err)
	}
	return b, nil
}

// complete fills in the limits that are not there.
func (m *mapping) complete() {
	missing := func(key string, value any) {
		if m.get(key) == nil {
			m.set(key, value)
		}
	}
	missing("time", int64(defaultTime))
	missing("memory", int64(defaultMemory))
	missing("disk", int64(defaultDisk))
	switch time := m.get("time").(type) {
	case int64:
		missing("hard_time", time*hardTimeFactor)
	case float64:
		missing("hard_time", time*hardTimeFactor)
	}
}
