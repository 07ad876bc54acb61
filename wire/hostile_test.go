package wire_test

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/ingot-grading/ingot/wire"
	"github.com/tinylib/msgp/msgp"
)

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// inJob is a job whose inputs are v.
func inJob(t testing.TB, v []byte) []byte {
	return message(t, "job_id", "j", "course_id", "c", "task_id", "t", "task_problems", wire.Raw{0x80}, "inputdata", wire.Raw(v),
		"environment_type", "docker", "environment", "e", "environment_parameters", wire.Raw{0x80}, "debug", false, "@type", "BackendNewJob")
}

// Frames that announce more than they bring cost what they bring.
func TestHostileSizes(t *testing.T) {
	claim := func(header ...byte) []byte { return bytes.Repeat(append(header, 0xff, 0xff, 0xff, 0xff), 20_000) }
	for name, v := range map[string][]byte{
		"arrays that each claim the rest": claim(0xdd),
		"maps that each claim the rest":   claim(0xdf),
		"a text of 4 GiB":                 claim(0xdb),
		"bytes of 4 GiB":                  claim(0xc6),
		"one array in the other":          bytes.Repeat([]byte{0x91}, 1_000_000),
		"one map in the other":            bytes.Repeat([]byte{0x81, 0x01}, 1_000_000),
		"one array in the other, as keys": bytes.Repeat([]byte{0x81, 0x91}, 1_000_000),
	} {
		for place, frame := range map[string][]byte{
			"inputs":       inJob(t, v),
			"the frame":    v,
			"a hello":      hello(t, "docker", v),
			"environments": message(t, "available_environments", wire.Raw(v), "@type", "BackendUpdateEnvironments"),
			"a queue":      message(t, "jobs_running", wire.Raw(v), "jobs_waiting", []any{}, "@type", "BackendGetQueue"),
		} {
			var err error
			if n := allocated(func() { _, err = wire.NewLearner(wire.Limits{}).Decode(frame) }); n > 100_000 {
				t.Errorf("%s in %s: %d bytes allocated", name, place, n)
			}
			if !errors.Is(err, wire.ErrMsgpack) && !errors.Is(err, wire.ErrLimit) && !errors.Is(err, wire.ErrUnknownType) {
				t.Errorf("%s in %s: %v", name, place, err)
			}
		}
	}
}

func TestFrameLimit(t *testing.T) {
	d := wire.NewDialect(wire.GH, wire.Limits{Frame: 1000})
	if _, err := d.Decode(inJob(t, packed(t, make([]byte, 1000)))); !errors.Is(err, wire.ErrLimit) {
		t.Errorf("got %v", err)
	}
	frame := inJob(t, packed(t, make([]byte, 100)))
	for limit, want := range map[int]error{len(frame): nil, len(frame) - 1: wire.ErrLimit} {
		if _, err := wire.NewDialect(wire.GH, wire.Limits{Frame: limit}).Decode(frame); !errors.Is(err, want) {
			t.Errorf("%d bytes with a limit of %d: %v", len(frame), limit, err)
		}
	}
}

// More fields than any message has are refused, however many more.
func TestFieldLimit(t *testing.T) {
	for n := range 100 {
		frame := msgp.AppendMapHeader(nil, uint32(n))
		for i := range n - 1 {
			frame = msgp.AppendInt(msgp.AppendString(frame, string(rune('a'+i))), i)
		}
		if n > 0 {
			frame = msgp.AppendString(msgp.AppendString(frame, "@type"), "Ping")
		}
		if _, err := wire.NewLearner(wire.Limits{}).Decode(frame); (err == nil) != (n == 1) {
			t.Errorf("a ping of %d fields: %v", n, err)
		}
	}
}

// A server passes on what it took, also when its limits are lower by then. Whoever
// makes up a message is told that it is too long.
func TestLimitOfWhatIsSent(t *testing.T) {
	long := &wire.BackendKillJob{JobID: string(make([]byte, 1000))}
	limits := wire.Limits{Frame: 1000}
	if b, err := wire.NewDialect(wire.GH, limits).Append([]byte("x"), long); !errors.Is(err, wire.ErrLimit) || string(b) != "x" {
		t.Errorf("own message: %q, %v", b, err)
	}
	if b, err := wire.NewLearner(limits).Append(nil, long); err != nil || len(b) < 1000 {
		t.Errorf("a server's: %q, %v", b, err)
	}
}

func TestDepthLimit(t *testing.T) {
	nested := func(depth int) []byte { return append(bytes.Repeat([]byte{0x91}, depth), 0x80) }
	for _, c := range []struct {
		limit, depth int
		ok           bool
	}{{0, 510, true}, {0, 511, false}, {5, 3, true}, {5, 4, false}} {
		_, err := wire.NewDialect(wire.GH, wire.Limits{Depth: c.limit}).Decode(inJob(t, nested(c.depth)))
		if (err == nil) != c.ok || err != nil && !errors.Is(err, wire.ErrLimit) {
			t.Errorf("limit %d, %d arrays around a map in a message: %v", c.limit, c.depth, err)
		}
	}
}

// Entries are bounded where something is built for each of them.
func TestItemsLimit(t *testing.T) {
	many := func(n int) wire.Raw {
		list := msgp.AppendArrayHeader(nil, uint32(n))
		return append(list, bytes.Repeat([]byte{0xa0}, n)...)
	}
	for name, c := range map[string]struct {
		frame []byte
		ok    bool
	}{
		"few names":                {message(t, "available_environments", wire.Raw(message(t, "a", many(97))), "@type", "BackendUpdateEnvironments"), true},
		"many names":               {message(t, "available_environments", wire.Raw(message(t, "a", many(101))), "@type", "BackendUpdateEnvironments"), false},
		"many names of many types": {message(t, "available_environments", wire.Raw(message(t, "a", many(60), "b", many(60))), "@type", "BackendUpdateEnvironments"), false},
		"many ports":               {hello(t, "docker", message(t, "ports", many(101))), false},
		"many keys":                {hello(t, "docker", append(wire.Raw{0xde, 0, 101}, bytes.Repeat([]byte{0xa0}, 202)...)), false},
		"many rows":                {message(t, "jobs_running", many(101), "jobs_waiting", []any{}, "@type", "BackendGetQueue"), false},
		"many inputs":              {inJob(t, append(wire.Raw{0xde, 0, 200}, bytes.Repeat([]byte{0xa0}, 400)...)), true},
	} {
		_, err := wire.NewDialect(wire.GH, wire.Limits{Items: 100}).Decode(c.frame)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, wire.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Any frame with a byte changed or cut off is refused, or is another good frame.
func TestDamagedFrames(t *testing.T) {
	frame := hello(t, "docker", message(t, "id", "é", "created", 1.5, "ports", []any{22}))
	for i := range frame {
		for _, c := range []byte{0x00, 0x81, 0xa5, 0xc1, 0xdb, 0xdd, 0xdf, 0xff} {
			damaged := slices.Clone(frame)
			damaged[i] = c
			for _, f := range [][]byte{damaged, damaged[:i]} {
				m, err := wire.NewLearner(wire.Limits{}).Decode(f)
				if (m == nil) == (err == nil) {
					t.Fatalf("% x: %v, %v", f, m, err)
				}
			}
		}
	}
}

// Texts are checked eight bytes at a time where that is possible: the verdict
// does not depend on how long they are, where they end or what follows.
func TestTextIsCheckedEverywhere(t *testing.T) {
	for size := range 70 {
		for behind := range 10 {
			for bad := -1; bad < size; bad++ {
				text := bytes.Repeat([]byte{'x'}, size)
				if bad >= 0 {
					text[bad] = 0x80
				}
				frame := msgp.AppendArrayHeader(nil, uint32(1+behind))
				frame = append(msgp.AppendStringFromBytes(frame, text), bytes.Repeat([]byte{0xc3}, behind)...)
				if err := (wire.Limits{}).Check(frame); (err == nil) != (bad < 0) {
					t.Fatalf("%d bytes, the wrong one at %d, %d values behind: %v", size, bad, behind, err)
				}
			}
		}
	}
	for _, text := range []string{"é", "日本", "🦉🦉🦉", "aé", "0123456é", "01234567é", "\u2028", "\x00"} {
		for behind := range 10 {
			frame := append(msgp.AppendString(msgp.AppendArrayHeader(nil, uint32(1+behind)), text), make([]byte, behind)...)
			if err := (wire.Limits{}).Check(frame); err != nil {
				t.Errorf("%q with %d values behind: %v", text, behind, err)
			}
		}
	}
}
