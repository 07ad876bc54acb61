package grading_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/grading"
	"github.com/ingot-grading/ingot/wire/wiretest"
	"github.com/tinylib/msgp/msgp"
)

// message builds a frame's contents from keys and values in turn.
func message(t testing.TB, pairs ...any) []byte {
	t.Helper()
	b := msgp.AppendMapHeader(nil, uint32(len(pairs)/2))
	for _, v := range pairs {
		raw, ok := v.(wire.Raw)
		if !ok {
			var err error
			if raw, err = msgp.AppendIntf(nil, v); err != nil {
				t.Fatal(err)
			}
		}
		b = append(b, raw...)
	}
	return b
}

func TestFramesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		frame []byte
		want  error
	}{
		"nothing":                   {nil, wire.ErrMsgpack},
		"a number":                  {[]byte{5}, wire.ErrValue},
		"no type":                   {message(t, "x", 1), wire.ErrValue},
		"a type that is bytes":      {message(t, "type", []byte("result")), wire.ErrValue},
		"an unknown type":           {message(t, "type", "dummy_message"), grading.ErrUnknownKind},
		"a cut frame":               {message(t, "type", "result", "result", "x")[:15], wire.ErrMsgpack},
		"bytes behind it":           {append(message(t, "type", "result", "result", wire.Raw{0x80}), 0), wire.ErrMsgpack},
		"a key that is an int":      {message(t, "type", "result", "result", wire.Raw("\x81\x01\x02")), wire.ErrMsgpack},
		"text that is not UTF-8":    {message(t, "type", "result", "result", wire.Raw("\x81\xa1x\xa1\xff")), wire.ErrMsgpack},
		"an id that is a number":    {message(t, "type", "ssh_debug", "ssh_user", 5, "ssh_key", "k"), wire.ErrValue},
		"a limit that is a text":    {message(t, "type", "run_student", "time_limit", "x"), wire.ErrValue},
		"output that is a text":     {message(t, "type", "stdout", "message", "x"), wire.ErrValue},
		"a debug that is a number":  {message(t, "type", "start", "debug", 1), wire.ErrValue},
		"types that are a list":     {message(t, "type", "start", "envtypes", []any{}), wire.ErrValue},
		"one array in the other":    {append([]byte("\x81\xa4type"), bytes.Repeat([]byte{0x91}, 1e6)...), wire.ErrLimit},
		"arrays that claim it all":  {append([]byte("\x82\xa4type\xa6result\xa6result"), bytes.Repeat([]byte{0xdd, 255, 255, 255, 255}, 1e4)...), wire.ErrMsgpack},
		"entries without any value": {bytes.Repeat([]byte{0xdf, 0, 1, 0, 0}, 1e4), wire.ErrMsgpack},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m, err := grading.Decode(c.frame)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, c.want) || m != nil {
				t.Errorf("got %v, %v; want %v", m, err, c.want)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 50_000 {
				t.Errorf("%d bytes allocated", n)
			}
		})
	}
}

// Scripts pass on what they were called with.
func TestRunStudentIsTolerant(t *testing.T) {
	m, err := grading.Decode(message(t, "type", "run_student", "environment", nil, "time_limit", nil, "hard_time_limit", 2.5,
		"memory_limit", -1, "share_network", 1, "socket_id", "p1", "new", []any{1}))
	if err != nil {
		t.Fatal(err)
	}
	want := &grading.RunStudent{HardLimit: 3, MemoryLimit: -1, ShareNetwork: true, SocketID: "p1", Old: true}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got %+v, want %+v", m, want)
	}
}

// Limits are whatever Python computes with: a limit below 1 is not 0, which means
// something else, and one without end is the longest.
func TestLimitsOfStudentsAreNumbers(t *testing.T) {
	for _, c := range []struct {
		given any
		want  int64
	}{
		{0, 0}, {0.2, 1}, {-0.5, 0}, {true, 1}, {false, 0}, {uint64(math.MaxUint64), math.MaxInt64}, {int64(math.MinInt64), math.MinInt64},
		{math.Inf(1), math.MaxInt64}, {math.Inf(-1), math.MinInt64}, {1e300, math.MaxInt64}, {math.NaN(), 0},
	} {
		m, err := grading.Decode(message(t, "type", "run_student", "time_limit", c.given, "memory_limit", c.given))
		if err != nil {
			t.Errorf("%v: %v", c.given, err)
			continue
		}
		if r := m.(*grading.RunStudent); r.TimeLimit != c.want || r.MemoryLimit != c.want {
			t.Errorf("%v is taken for %d and %d, want %d", c.given, r.TimeLimit, r.MemoryLimit, c.want)
		}
	}
}

func TestPeekTellsWhomAFrameIsFor(t *testing.T) {
	for _, c := range []struct {
		kind  grading.Kind
		pairs []any
	}{
		{grading.KindStdin, []any{"message", make([]byte, 100), "student_container_id", "c1"}},
		{grading.KindStudentSignal, []any{"student_container_id", "c1", "signal_data", []byte("015")}},
		{grading.KindRunStudentInit, []any{"socket_id", "s1", "student_container_id", "c1", "command", nil}},
		{grading.KindStdout, []any{"socket_id", "s1", "message", []byte("x")}},
		{"", []any{"student_container_id", 5}},
	} {
		name := string(c.kind)
		if name == "" {
			name = "of another world"
		}
		frame := message(t, append(c.pairs, "type", name)...)
		h, err := grading.Peek(frame)
		if err != nil || h.Kind != c.kind {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
		if has := strings.Contains(string(frame), "\xa2c1"); has != (string(h.Container) == "c1") {
			t.Errorf("%s: container %q", name, h.Container)
		}
		if has := strings.Contains(string(frame), "\xa2s1"); has != (string(h.Socket) == "s1") {
			t.Errorf("%s: socket %q", name, h.Socket)
		}
		if n := testing.AllocsPerRun(100, func() { h, err = grading.Peek(frame) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// A start that a container could not read is not sent.
func TestAppendRefuses(t *testing.T) {
	for name, input := range map[string]wire.Raw{
		"a key that is an int": message(t, 1, 2), "text that is not UTF-8": message(t, "a", "\xff"), "no value": {0xc1}, "two values": {1, 2},
	} {
		dst := []byte("before")
		if b, err := grading.Append(dst, &grading.Start{Input: input}); err == nil || string(b) != "before" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

// All images since 0.8 get all that one of them needs (PROTOCOL.md 5.3).
func TestStart(t *testing.T) {
	b, err := grading.Append(nil, &grading.Start{
		Input: message(t, "q", "a"), Debug: wire.DebugSSH, EnvTypes: map[string]bool{"nvidia": true, "docker": true, "a\xff": false}, SharedKernel: true,
	})
	want := message(t, "type", "start", "input", wire.Raw(message(t, "q", "a")), "debug", "ssh",
		"envtypes", wire.Raw(message(t, "a\uFFFD", false, "docker", true, "nvidia", true)), "run_as_root", false, "shared_kernel", true)
	if err != nil || !bytes.Equal(b, want) {
		t.Errorf("got %q, %v\nwant %q", b, err, want)
	}
}

func TestTextsAreCopies(t *testing.T) {
	frame := message(t, "type", "ssh_student", "ssh_user", "worker", "ssh_key", "key", "container_id", "c1")
	m, err := grading.Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	clear(frame)
	if want := (&grading.SSHStudent{User: "worker", Key: "key", ContainerID: "c1"}); !reflect.DeepEqual(m, want) {
		t.Errorf("got %+v", m)
	}
}

// Whatever decodes can be sent on, and then decodes to the same message.
func FuzzDecode(f *testing.F) {
	for _, v := range wiretest.VectorFiles(f)[0].Vectors {
		if strings.HasPrefix(v.Type, "container:") && len(v.Hex) < 2000 {
			frame := v.Frame(f)
			if strings.HasPrefix(v.Framing, "u32") {
				frame = frame[4:]
			}
			f.Add(frame)
		}
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := grading.Decode(frame)
		if err != nil {
			return
		}
		h, err := grading.Peek(frame)
		if err != nil || h.Kind == "" {
			t.Fatalf("decoded, but peeked %+v, %v", h, err)
		}
		b, err := grading.Append(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := grading.Decode(b)
		if err != nil {
			t.Fatalf("%v of %x", err, b)
		}
		if c, err := grading.Append(nil, again); err != nil || !bytes.Equal(b, c) {
			t.Fatalf("%v\n first %x\nsecond %x", err, b, c)
		}
	})
}

func BenchmarkPeek(b *testing.B) {
	frame := message(b, "type", "stdin", "message", make([]byte, 4096), "student_container_id", strings.Repeat("c", 64))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := grading.Peek(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeResult(b *testing.B) {
	frame := message(b, "type", "result", "result", wire.Raw(message(b, "result", "success", "archive", strings.Repeat("QUJD", 1<<20))))
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := grading.Decode(frame); err != nil {
			b.Fatal(err)
		}
	}
}
