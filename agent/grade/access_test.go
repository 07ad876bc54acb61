package grade

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/agent/network"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/sandboxtest"
	"github.com/ingot-grading/ingot/agent/workspace"
	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/wire"
)

// What a job gets of the network, on agents that offer more and less.
func TestAccess(t *testing.T) {
	net := new(network.Net)
	none, plain, open := Config{}, Config{Network: net}, Config{Network: net, SSH: true}
	debugger := Config{Network: net, Debugger: true}
	type params = wire.Parameters
	for name, c := range map[string]struct {
		cfg    Config
		env    string
		ports  []uint16
		params params
		debug  wire.Debug
		want   access
		text   string
	}{
		"nothing":              {none, "docker", nil, params{}, wire.DebugOn, access{}, ""},
		"nothing of a network": {open, "docker-ssh", nil, params{}, wire.DebugOn, access{}, ""},
		"network":              {plain, "docker", nil, params{Network: true}, wire.DebugOff, access{network: true}, ""},
		"no network":           {none, "docker", nil, params{Network: true}, wire.DebugOff, access{}, "The task needs a network, which this agent does not offer."},
		"ports":                {plain, "docker", []uint16{80, 443}, params{}, wire.DebugOff, access{network: true, ports: []uint16{80, 443}}, ""},
		"no ports":             {none, "docker", []uint16{80}, params{}, wire.DebugOff, access{}, "The environment needs ports, which this agent does not offer."},
		"a shell":              {plain, "docker", nil, params{}, wire.DebugSSH, access{network: true, ports: []uint16{22}}, ""},
		"a shell and ports":    {plain, "docker", []uint16{80}, params{}, wire.DebugSSH, access{network: true, ports: []uint16{80, 22}}, ""},
		"a shell twice":        {plain, "docker", []uint16{22}, params{}, wire.DebugSSH, access{network: true, ports: []uint16{22}}, ""},
		"no shell":             {none, "docker", nil, params{}, wire.DebugSSH, access{}, "This agent does not offer SSH."},
		"students":             {open, "docker-ssh", nil, params{Network: true}, wire.DebugOff, access{network: true, ssh: true}, ""},
		"students of machines": {open, "kata-ssh", nil, params{Network: true}, wire.DebugOff, access{network: true, ssh: true}, ""},
		"students of old":      {open, "docker", nil, params{Network: true, SSHAllowed: true}, wire.DebugOff, access{network: true, ssh: true}, ""},
		"not of this type":     {open, "docker", nil, params{Network: true}, wire.DebugOff, access{network: true}, ""},
		"not without network":  {open, "docker-ssh", []uint16{80}, params{}, wire.DebugOff, access{network: true, ports: []uint16{80}}, ""},
		"not on this agent":    {plain, "docker-ssh", nil, params{Network: true, SSHAllowed: true}, wire.DebugOff, access{network: true}, ""},
		"machine":              {plain, "kata", nil, params{Network: true}, wire.DebugOff, access{network: true}, ""},
		"debugger":             {debugger, "docker", nil, params{}, wire.DebugOff, access{network: true}, ""},
	} {
		env := &environment{kind: Kind{EnvType: c.env}, ports: slices.Clone(c.ports)}
		got, err := c.cfg.accessOf(env, c.params, c.debug)
		if c.text != "" {
			if err == nil || textOf(err) != c.text {
				t.Errorf("%s: got %v, want %q", name, err, c.text)
			}
			continue
		}
		if err != nil || got.network != c.want.network || got.ssh != c.want.ssh || !slices.Equal(got.ports, c.want.ports) {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, c.want)
		}
		if !slices.Equal(env.ports, c.ports) {
			t.Errorf("%s: the environment's ports are now %v", name, env.ports)
		}
		l := limits{time.Second, 2 * time.Second, 3}
		want := l
		if len(c.want.ports) > 0 || c.cfg.Debugger {
			want = limits{1800 * time.Second, 1800 * time.Second, 3}
		}
		if got := c.cfg.extend(l, got); got != want {
			t.Errorf("%s: limits %v, want %v", name, got, want)
		}
	}
}

// With SSH each type is offered twice, once if it was asked for by name.
func TestKindsForSSH(t *testing.T) {
	types := func(c Config) (all []string) {
		for _, k := range c.offered() {
			all = append(all, k.EnvType+"="+k.Runtime.Name)
		}
		return all
	}
	c := Config{Kinds: kinds(t, "crun", "kata")}
	if got := types(c); !slices.Equal(got, []string{"docker=crun", "kata=kata"}) {
		t.Errorf("without SSH: %q", got)
	}
	c.SSH = true
	if got := types(c); !slices.Equal(got, []string{"docker=crun", "kata=kata", "docker-ssh=crun", "kata-ssh=kata"}) {
		t.Errorf("with SSH: %q", got)
	}
	c.Kinds = append(c.Kinds, Kind{EnvType: "docker-ssh", Runtime: kinds(t, "runc")[0].Runtime})
	if got := types(c); !slices.Equal(got, []string{"docker=crun", "kata=kata", "docker-ssh=runc", "kata-ssh=kata"}) {
		t.Errorf("with one of its own: %q", got)
	}
	images := newCatalogue([]sandbox.Image{image("i", 0, labelName, "default", labelVersion, "4")}, c, nil)
	if len(images) != 4 || images[[2]string{"docker-ssh", "default"}] == nil {
		t.Errorf("offers %v", images.announce())
	}
}

// An agent without a network does not offer what needs ports.
func TestPortsAreNotOffered(t *testing.T) {
	c := newCatalogue([]sandbox.Image{
		image("i", 0, labelName, "default", labelVersion, "4"), image("p", 0, labelName, "ports", labelVersion, "4", labelPorts, "80"),
	}, Config{Kinds: kinds(t, "crun")}, nil)
	out := c.withoutPorts()
	if len(out) != 1 || out[0].name != "ports" || len(c) != 1 || c[[2]string{"docker", "default"}] == nil {
		t.Errorf("took out %v, left %v", out, c.announce())
	}
}

// An agent without a single image says so, once: it would be there and get no job.
func TestNothingToOffer(t *testing.T) {
	var log strings.Builder
	e := &Executor{log: slog.New(slog.NewTextHandler(&log, nil))}
	some := newCatalogue([]sandbox.Image{image("i", 0, labelName, "default", labelVersion, "4")}, Config{Kinds: kinds(t, "crun")}, nil)
	for i, offered := range []catalogue{{}, {}, some, {}} {
		e.offer(offered)
		if got, want := strings.Count(log.String(), "nothing to offer"), []int{1, 1, 1, 2}[i]; got != want {
			t.Errorf("step %d: said %d times, want %d", i, got, want)
		}
	}
}

// What is wrong with an image is said once, and again when it comes back.
func TestSkippedImages(t *testing.T) {
	var log strings.Builder
	rt := sandboxtest.NewFake()
	e := &Executor{cfg: Config{Runtime: rt, Kinds: kinds(t, "crun")}, log: slog.New(slog.NewTextHandler(&log, nil))}
	old := image("old", 0, labelName, "old", labelVersion, "2")
	ports := image("ports", 0, labelName, "ports", labelVersion, "4", labelPorts, "80")
	for i, step := range []struct {
		change func()
		want   int // lines said so far
	}{
		{func() { rt.AddImage(old, nil) }, 1},
		{func() {}, 1},
		{func() { rt.AddImage(ports, nil) }, 2},
		{func() { rt.AddImage(image("good", 0, labelName, "good", labelVersion, "4"), nil) }, 2},
		{func() { rt.RemoveImage("old") }, 2},
		{func() { rt.AddImage(old, nil) }, 3},
		{func() { old.Labels[labelVersion] = "5"; rt.AddImage(old, nil) }, 4},
	} {
		step.change()
		if _, err := e.list(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(log.String(), "\n"); got != step.want {
			t.Errorf("step %d: %d lines, want %d:\n%s", i, got, step.want, &log)
		}
	}
}

// An agent has memory for one job at least.
func TestMemoryOfAnAgent(t *testing.T) {
	const little = LeastMemory - 1
	for _, c := range []struct{ all, one int64 }{{0, 0}, {little, 0}, {LeastMemory, little}, {LeastMemory, LeastMemory + 1}} {
		if err := bare(t, Config{Memory: c.all, MaxMemory: c.one}).validate(); err == nil {
			t.Errorf("%d bytes, %d of one container: accepted", c.all, c.one)
		}
	}
	if err := bare(t, Config{Memory: LeastMemory, MaxMemory: LeastMemory}).validate(); err != nil {
		t.Error(err)
	}
}

// bare is c with all that a configuration needs but memory.
func bare(t *testing.T, c Config) *Config {
	c.Runtime, c.Workspaces, c.Cgroups, c.Log = sandboxtest.NewFake(), new(workspace.Dir), new(cgroups.Parent), slog.New(slog.DiscardHandler)
	c.Kinds, c.Owner = kinds(t, "crun"), "o"
	return &c
}

// SSH without a network is a mistake of the configuration.
func TestSSHNeedsANetwork(t *testing.T) {
	for _, c := range []*Config{bare(t, Config{SSH: true, Memory: 1 << 30}), bare(t, Config{Debugger: true, Memory: 1 << 30})} {
		if err := c.validate(); err == nil {
			t.Errorf("SSH %v, debugger %v: accepted", c.SSH, c.Debugger)
		}
		c.Network = new(network.Net)
		if err := c.validate(); err != nil {
			t.Errorf("with a network: %v", err)
		}
	}
}
