package wire_test

import (
	"bytes"
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"

	"github.com/ingot-grading/ingot/wire"
)

func decode(t *testing.T, g wire.Generation, frame []byte) wire.Message {
	t.Helper()
	m, err := wire.NewDialect(g, wire.Limits{}).Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func done(more ...any) []any {
	return append([]any{
		"job_id", "j", "result", []any{"success", "fine"}, "grade", 100, "problems", wire.Raw{0x80}, "tests", wire.Raw{0x80},
		"custom", wire.Raw{0x80}, "state", "", "stdout", "", "stderr", nil, "@type", "AgentJobDone",
	}, more...)
}

func TestMessagesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		frame []byte
		want  error
	}{
		"a field too many":            {message(t, "x", 1, "@type", "Ping"), wire.ErrFields},
		"a field too few":             {message(t, "@type", "ClientKillJob"), wire.ErrFields},
		"the fields of 0.8.0":         {message(t, "job_id", "j", "@type", "BackendKillJob"), wire.ErrFields},
		"a key that is a number":      {message(t, 1, 2, "@type", "Ping"), wire.ErrFields},
		"forty fields":                {append([]byte{0xde, 0, 40}, bytes.Repeat([]byte("\xa1x\x01"), 40)...), wire.ErrFields},
		"the old discriminator":       {message(t, "type", "ping"), wire.ErrUnknownType},
		"both discriminators":         {message(t, "type", "ping", "@type", "Ping"), wire.ErrFields},
		"an unknown type":             {message(t, "@type", "Nope"), wire.ErrUnknownType},
		"a type that is bytes":        {message(t, "@type", []byte("Ping")), wire.ErrUnknownType},
		"an array":                    {[]byte{0x91, 1}, wire.ErrUnknownType},
		"nothing":                     {nil, wire.ErrMsgpack},
		"a cut frame":                 {message(t, "@type", "Ping")[:8], wire.ErrMsgpack},
		"bytes behind it":             {append(message(t, "@type", "Ping"), 0xc0), wire.ErrMsgpack},
		"a code that is never used":   {[]byte("\x81\xa5@type\xc1"), wire.ErrMsgpack},
		"an extension":                {[]byte("\x82\xa1x\xd4\x01\x01\xa5@type\xa4Ping"), wire.ErrMsgpack},
		"text that is not UTF-8":      {[]byte("\x82\xa6job_id\xa1\xff\xa5@type\xadClientKillJob"), wire.ErrMsgpack},
		"long text that is not UTF-8": {message(t, "job_id", strings.Repeat("x", 300)+"\xc3", "@type", "ClientKillJob"), wire.ErrMsgpack},
		"text cut in a rune":          {message(t, "job_id", "0123456789é"[:11], "@type", "ClientKillJob"), wire.ErrMsgpack},
		"a map as a map key":          {message(t, "x", wire.Raw("\x81\x80\x01"), "@type", "Ping"), wire.ErrMsgpack},
		"a map in an array as a key":  {message(t, "x", wire.Raw("\x81\x91\x80\x01"), "@type", "Ping"), wire.ErrMsgpack},
		"an id that is a number":      {message(t, "job_id", 5, "@type", "ClientKillJob"), wire.ErrValue},
		"an id that is nil":           {message(t, "job_id", nil, "@type", "ClientKillJob"), wire.ErrValue},
		"a result of three":           {message(t, done("archive", nil, "result", []any{"a", "b", "c"})...), wire.ErrValue},
		"a grade that is a text":      {message(t, done("archive", nil, "grade", "100")...), wire.ErrValue},
		"an archive that is a number": {message(t, done("archive", 5)...), wire.ErrValue},
		"a queue row of six": {message(t, "jobs_running", []any{[]any{"j", true, "a", "i", "l", 1}}, "jobs_waiting", []any{},
			"@type", "BackendGetQueue"), wire.ErrValue},
		"environments that are a list": {message(t, "available_environments", []any{}, "@type", "BackendUpdateEnvironments"), wire.ErrValue},
	} {
		t.Run(name, func(t *testing.T) {
			d := wire.NewDialect(wire.GH, wire.Limits{})
			m, err := d.Decode(c.frame)
			if !errors.Is(err, c.want) || m != nil {
				t.Errorf("got %v, %v; want %v", m, err, c.want)
			}
			if d.Generation() != wire.GH {
				t.Error("it changed the dialect")
			}
		})
	}
}

// What Python would take although no Python peer sends it so.
func TestTolerated(t *testing.T) {
	m := decode(t, wire.GH, message(t, done("archive", "not base64")...)).(*wire.AgentJobDone)
	if m.Grade != 100 || m.Archive != nil || m.Status != "success" || !m.Stderr.Null || m.Stdout.Null {
		t.Errorf("a grade that is an int, an archive that is a text: %+v", m)
	}
	twice := decode(t, wire.GH, message(t, "job_id", "first", "job_id", "last", "@type", "Nope", "@type", "ClientKillJob"))
	if got := twice.(*wire.ClientKillJob).JobID; got != "last" {
		t.Errorf("of a field that came twice %q was taken", got)
	}
	about := message(t, "id", "i", "created", 1, "size", wire.Raw("\x81\x01\x02"), "ports", []any{22, 80.0})
	h := decode(t, wire.GH, hello(t, "docker", about)).(*wire.AgentHello)
	if e := h.Environments[0]; !e.Advertised || e.ID != "i" || !slices.Equal(e.Ports, []int64{22, 80}) {
		t.Errorf("an environment with an unknown key and without another: %+v", e)
	}
	tuple := message(t, "problems", wire.Raw("\x81\x92\x01\x02\x03"))
	if err := (wire.Limits{}).Check(tuple); err != nil {
		t.Errorf("a tuple as a map key: %v", err)
	}
}

// Text that is not UTF-8 would end a Python peer.
func TestEncodedTextIsUTF8(t *testing.T) {
	bad := "a\xff\xfeb"
	r := wire.Result{
		Status: bad, Text: bad, State: bad,
		Stdout: wire.Nullable{Value: bad}, Stderr: wire.Nullable{Value: strings.Repeat("é", 100)[:151]},
	}
	for _, m := range []wire.Message{
		&wire.AgentJobDone{JobID: bad, Result: r}, &wire.BackendJobDone{JobID: bad, Result: r}, &wire.ClientHello{Name: bad},
		&wire.AgentHello{FriendlyName: bad, Types: []string{bad}, Environments: []wire.Environment{{Type: bad, Name: bad, ID: bad, Title: bad, Runtime: bad}}},
		&wire.BackendUpdateEnvironments{Available: []wire.EnvironmentNames{{Type: bad, Names: []string{bad}}}},
		&wire.BackendGetQueue{Running: []wire.RunningJob{{JobID: bad, Agent: bad, Info: bad, Launcher: bad}}, Waiting: []wire.WaitingJob{{Info: bad}}},
	} {
		for g := wire.G5; g <= wire.GH; g++ {
			frame, err := wire.NewDialect(g, wire.Limits{}).Append(nil, m)
			if err != nil {
				t.Fatal(err)
			}
			if err := (wire.Limits{}).Check(frame); err != nil {
				t.Errorf("%s %T: %v", g, m, err)
			}
			if g >= wire.G7 && !bytes.Contains(frame, []byte("a\uFFFDb")) {
				t.Errorf("%s %T: % x", g, m, frame)
			}
		}
	}
}

// The frame's owner may let it go: ids stay what they were.
func TestIDsOutliveTheFrame(t *testing.T) {
	frame := message(t, "job_id", "the job", "state", "the state", "@type", "BackendKillJob")
	m := decode(t, wire.GH, frame).(*wire.BackendKillJob)
	clear(frame)
	if m.JobID != "the job" {
		t.Errorf("the id became %q", m.JobID)
	}
	long := strings.Repeat("long", 1000)
	d := wire.NewDialect(wire.GH, wire.Limits{})
	var ids []string
	for i := range 500 {
		m, err := d.Decode(message(t, "job_id", long[i:3*i], "@type", "ClientKillJob"))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.(*wire.ClientKillJob).JobID)
	}
	for i, id := range ids {
		if id != long[i:3*i] {
			t.Fatalf("id %d changed", i)
		}
	}
}

// Neither a dialect nor an id keeps a large frame in memory.
func TestFramesAreLetGo(t *testing.T) {
	d := wire.NewDialect(wire.GH, wire.Limits{})
	frame := message(t, done("archive", make([]byte, 1<<20))...)
	watch := weak.Make(&frame[0])
	m, err := d.Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	id := m.(*wire.AgentJobDone).JobID
	runtime.GC()
	if watch.Value() == nil {
		t.Error("the frame went before its message")
	}
	runtime.KeepAlive(m)
	runtime.GC()
	if watch.Value() != nil {
		t.Error("the frame is still there")
	}
	runtime.KeepAlive(d)
	runtime.KeepAlive(id)
}

// What is only passed on is a part of the frame.
func TestRawSharesTheFrame(t *testing.T) {
	frame := message(t, done("archive", []byte("archive"))...)
	m := decode(t, wire.GH, frame).(*wire.AgentJobDone)
	at := bytes.Index(frame, []byte("archive\xc4\x07archive")) + 9
	if &m.Archive[0] != &frame[at] {
		t.Error("the archive was copied")
	}
	if cap(m.Archive) != len(m.Archive) || cap(m.Custom) != len(m.Custom) {
		t.Error("appending to a part would write into the frame")
	}
}

func TestDecodeInto(t *testing.T) {
	d := wire.NewDialect(wire.GH, wire.Limits{})
	m := &wire.BackendKillJob{JobID: "old", State: "old"}
	if err := d.DecodeInto(message(t, "job_id", "new", "state", "", "@type", "BackendKillJob"), m); err != nil || m.JobID != "new" || m.State != "" {
		t.Errorf("%+v, %v", m, err)
	}
	if err := d.DecodeInto(message(t, "@type", "Ping"), m); !errors.Is(err, wire.ErrUnknownType) {
		t.Errorf("another type: %v", err)
	}
}

func TestAppendRefuses(t *testing.T) {
	d := wire.NewDialect(wire.GH, wire.Limits{Frame: 100})
	dst := []byte("before")
	if got, err := d.Append(dst, nil); !errors.Is(err, wire.ErrUnknownType) || string(got) != "before" {
		t.Errorf("nil: %q, %v", got, err)
	}
	if got, err := d.Append(dst, &wire.ClientHello{Name: strings.Repeat("x", 200)}); !errors.Is(err, wire.ErrLimit) || string(got) != "before" {
		t.Errorf("too large: %q, %v", got, err)
	}
	if _, err := d.Append(dst, &wire.ClientHello{Name: "me"}); err != nil {
		t.Error(err)
	}
}

// Up to 0.6 the parameters are fields of the message, and an environment is a
// name.
func TestJobsOfOldPeers(t *testing.T) {
	job := newJob(t)
	job.Client = []byte("client")
	for _, g := range []wire.Generation{wire.G5, wire.G6} {
		d := wire.NewDialect(g, wire.Limits{})
		frame, err := d.Append(nil, job)
		if err != nil {
			t.Fatal(err)
		}
		m := decode(t, g, frame).(*wire.BackendNewJob)
		p, err := wire.ReadParameters(m.Parameters)
		if err != nil || *p.Time != 30 || *p.HardTime != 90 || *p.MemoryMiB != 200 || p.Network || p.RunCmd != nil {
			t.Errorf("%s: %+v, %v", g, p, err)
		}
		if string(m.Client) != "client" || m.JobID != job.JobID || m.EnvironmentType != "docker" || m.Environment != "python3" {
			t.Errorf("%s: %+v", g, m)
		}
		job.Parameters = nil // the defaults are sent
		if frame, err = d.Append(nil, job); err != nil {
			t.Fatal(err)
		}
		p, err = wire.ReadParameters(decode(t, g, frame).(*wire.BackendNewJob).Parameters)
		if err != nil || *p.Time != 30 || p.HardTime != nil || *p.MemoryMiB != 200 {
			t.Errorf("%s: %+v, %v", g, p, err)
		}
		job.Parameters = newJob(t).Parameters
	}
}

// Such peers know two types of environments, told apart by the name.
func TestEnvironmentsOfOldPeers(t *testing.T) {
	update := &wire.BackendUpdateEnvironments{Available: []wire.EnvironmentNames{
		{Type: "docker", Names: []string{"a", "mcq", "b"}}, {Type: "nvidia", Names: []string{"a"}}, {Type: "mcq", Names: []string{"mcq", "x"}},
	}}
	frame, err := wire.NewDialect(wire.G6, wire.Limits{}).Append(nil, update)
	if err != nil {
		t.Fatal(err)
	}
	if want := message(t, "available_containers", []any{"a", "b", "mcq"}, "type", "backend_update_containers"); !bytes.Equal(frame, want) {
		t.Errorf("got %q, want %q", frame, want)
	}
	h := &wire.AgentHello{Environments: []wire.Environment{{Type: "nvidia", Name: "a"}, {Type: "docker", Name: "b", ID: "i", Created: 2, Runtime: "r"}}}
	frame, err = wire.NewDialect(wire.G6, wire.Limits{}).Append(nil, h)
	if err != nil {
		t.Fatal(err)
	}
	got := decode(t, wire.G6, frame).(*wire.AgentHello).Environments
	want := []wire.Environment{{Type: "docker", Name: "b", ID: "i", Created: 2, Ports: []int64{}, Advertised: true}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A type of which an agent offers nothing stays where it was.
func TestEmptyEnvironmentTypes(t *testing.T) {
	frame := message(t, "friendly_name", "a", "available_job_slots", 1,
		"available_environments", wire.Raw("\x82\xa6docker\x80\xa3mcq\x80"), "@type", "AgentHello")
	again, err := wire.NewDialect(wire.GH, wire.Limits{}).Append(nil, decode(t, wire.GH, frame))
	if err != nil || !bytes.Equal(again, frame) {
		t.Errorf("got %q, %v", again, err)
	}
}
