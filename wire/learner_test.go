package wire_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/ingot-grading/ingot/wire"
	"github.com/tinylib/msgp/msgp"
)

// packed is a value in msgpack. Maps have at most one entry, as Go does not
// keep the order of more.
func packed(t testing.TB, v any) wire.Raw {
	t.Helper()
	b, err := msgp.AppendIntf(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// message builds a frame from keys and values in turn.
func message(t testing.TB, pairs ...any) []byte {
	t.Helper()
	b := msgp.AppendMapHeader(nil, uint32(len(pairs)/2))
	for _, v := range pairs {
		if raw, ok := v.(wire.Raw); ok {
			b = append(b, raw...)
			continue
		}
		b = append(b, packed(t, v)...)
	}
	return b
}

// hello builds an AgentHello with one environment, or none if about is empty.
func hello(t testing.TB, kind string, about wire.Raw, more ...any) []byte {
	t.Helper()
	environments := wire.Raw{0x80}
	if about != nil {
		environments = message(t, kind, wire.Raw(message(t, "python3", about)))
	}
	pairs := append([]any{"friendly_name", "a", "available_job_slots", 2, "available_environments", environments}, more...)
	return message(t, append(pairs, "@type", "AgentHello")...)
}

// A server finds out from the bytes which generation a peer speaks (PROTOCOL.md 1.10).
func TestLearner(t *testing.T) {
	about := func(created any, more ...any) wire.Raw {
		return message(t, append([]any{"id", "sha256:1", "created", created}, more...)...)
	}
	legacyHello := func(name string, more ...any) []byte {
		return message(t, "friendly_name", "a", "available_job_slots", 2,
			"available_containers", wire.Raw(message(t, name, about(1.5, more...))), "type", "agent_hello")
	}
	legacyJob := func(more ...any) []byte {
		pairs := []any{
			"job_id", "j", "course_id", "c", "task_id", "t", "inputdata", wire.Raw{0x80}, "debug", false, "environment", "default",
			"enable_network", false, "time_limit", 1, "hard_time_limit", nil, "mem_limit", 100, "launcher", "l", "type", "client_new_job",
		}
		return message(t, append(pairs, more...)...)
	}
	clientHello := message(t, "name", "me", "type", "client_hello")
	current := []wire.Generation{wire.G7, wire.G8a, wire.G8b, wire.G9, wire.GH}
	for name, c := range map[string]struct {
		frames [][]byte
		want   []wire.Generation
	}{
		"nothing yet":                    {nil, append([]wire.Generation{wire.G5, wire.G6}, current...)},
		"a client since 0.7":             {[][]byte{message(t, "name", "me", "@type", "ClientHello")}, current},
		"a client up to 0.6":             {[][]byte{clientHello}, []wire.Generation{wire.G5, wire.G6}},
		"a client of 0.5":                {[][]byte{clientHello, legacyJob()}, []wire.Generation{wire.G5}},
		"a client of 0.6":                {[][]byte{clientHello, legacyJob("priority", 0, "run_cmd", nil)}, []wire.Generation{wire.G6}},
		"an agent of 0.5":                {[][]byte{legacyHello("default")}, []wire.Generation{wire.G5}},
		"an agent of 0.6":                {[][]byte{legacyHello("default", "ports", []any{22})}, []wire.Generation{wire.G6}},
		"an old agent without docker":    {[][]byte{legacyHello("mcq")}, []wire.Generation{wire.G5, wire.G6}},
		"an agent of 0.7":                {[][]byte{hello(t, "docker", about(1.5))}, []wire.Generation{wire.G7}},
		"an agent of 0.8.0 or a bit on":  {[][]byte{hello(t, "docker", about(1.5), "ssh_allowed", true)}, []wire.Generation{wire.G8a, wire.G8b}},
		"an agent of 0.8.5":              {[][]byte{hello(t, "docker", about(1), "ssh_allowed", true)}, []wire.Generation{wire.G8b}},
		"an agent of 0.9":                {[][]byte{hello(t, "docker", about(1))}, []wire.Generation{wire.G9}},
		"an agent of head":               {[][]byte{hello(t, "docker", about(1, "advertised", false))}, []wire.Generation{wire.GH}},
		"an mcq agent":                   {[][]byte{hello(t, "mcq", about(0))}, []wire.Generation{wire.G7, wire.G9}},
		"an mcq agent of head":           {[][]byte{hello(t, "mcq", about(0, "advertised", true))}, []wire.Generation{wire.GH}},
		"an agent with nothing to offer": {[][]byte{hello(t, "", nil)}, []wire.Generation{wire.G7, wire.G9, wire.GH}},
		"a backend that kills without state": {
			[][]byte{message(t, "job_id", "j", "@type", "BackendKillJob")}, []wire.Generation{wire.G7, wire.G8a},
		},
		"contents that contradict what came before": {
			[][]byte{hello(t, "docker", about(1)), hello(t, "docker", about(1.5))}, []wire.Generation{wire.G9},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := wire.NewLearner(wire.Limits{})
			for _, frame := range c.frames {
				if _, err := d.Decode(frame); err != nil {
					t.Fatal(err)
				}
			}
			if got := d.Candidates(); !slices.Equal(got, c.want) {
				t.Errorf("candidates %v, want %v", got, c.want)
			}
			if got := d.Generation(); got != c.want[len(c.want)-1] {
				t.Errorf("speaks %v", got)
			}
		})
	}
}

// What is learned shows in what is sent.
func TestLearnerMirrors(t *testing.T) {
	kill := &wire.BackendKillJob{Client: []byte("id"), JobID: "j", State: "s"}
	id := wire.Raw("\x92\xc4\x02id\xa1j")
	for name, c := range map[string]struct {
		heard, want []byte
	}{
		"0.6":  {message(t, "job_id", id, "type", "agent_job_started"), message(t, "job_id", id, "type", "backend_kill_job")},
		"0.7":  {hello(t, "docker", message(t, "created", 1.5)), message(t, "job_id", "j", "@type", "BackendKillJob")},
		"0.9":  {hello(t, "docker", message(t, "created", 1)), message(t, "job_id", "j", "state", "s", "@type", "BackendKillJob")},
		"head": {message(t, "@type", "Pong"), message(t, "job_id", "j", "state", "s", "@type", "BackendKillJob")},
	} {
		d := wire.NewLearner(wire.Limits{})
		if _, err := d.Decode(c.heard); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := d.Append(nil, kill)
		if err != nil || string(got) != string(c.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// A peer does not change its generation, and a refused frame teaches nothing.
func TestLearnerRefuses(t *testing.T) {
	d := wire.NewLearner(wire.Limits{})
	if _, err := d.Decode(hello(t, "docker", message(t, "created", 1))); err != nil {
		t.Fatal(err)
	}
	before := d.Candidates()
	for name, c := range map[string]struct {
		frame []byte
		want  error
	}{
		"ssh_allowed since then":  {hello(t, "docker", message(t, "created", 1), "ssh_allowed", true), wire.ErrGeneration},
		"the old discriminator":   {message(t, "type", "pong"), wire.ErrUnknownType},
		"a value of another type": {message(t, "job_id", 5, "@type", "AgentJobStarted"), wire.ErrValue},
		"half a hello":            {hello(t, "docker", message(t, "created", 1.5))[:30], wire.ErrMsgpack},
	} {
		if m, err := d.Decode(c.frame); !errors.Is(err, c.want) || m != nil {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	if got := d.Candidates(); !slices.Equal(got, before) {
		t.Errorf("candidates %v, before %v", got, before)
	}
}

func TestGenerationNames(t *testing.T) {
	for g := wire.G5; g <= wire.GH; g++ {
		if got, err := wire.ParseGeneration(g.String()); got != g || err != nil {
			t.Errorf("%v is read as %v, %v", g, got, err)
		}
	}
	for _, name := range []string{"", "unknown", "0.8.6", "HEAD"} {
		if g, err := wire.ParseGeneration(name); err == nil {
			t.Errorf("%q is read as %v", name, g)
		}
	}
	if got := wire.Generation(200).String(); got != "unknown" {
		t.Errorf("a generation that is none is %q", got)
	}
	if got := wire.NewDialect(200, wire.Limits{}).Generation(); got != wire.GH {
		t.Errorf("a dialect of it speaks %v", got)
	}
}
