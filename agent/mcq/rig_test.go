package mcq

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/wire"
)

// pack turns JSON into the msgpack that Python sends for it: order kept, 1 an
// int and 1.0 a float, and the views of PROTOCOL.md 10.
func pack(t testing.TB, text string) wire.Raw {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	b, err := appendJSON(nil, dec)
	if err != nil {
		t.Fatalf("pack %s: %v", text, err)
	}
	return b
}

func appendJSON(b []byte, dec *json.Decoder) ([]byte, error) {
	token, err := dec.Token()
	if err != nil {
		return b, err
	}
	switch v := token.(type) {
	case json.Delim:
		return appendNested(b, dec, v)
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return msgp.AppendInt64(b, n), nil
		}
		if n, err := strconv.ParseUint(v.String(), 10, 64); err == nil {
			return msgp.AppendUint64(b, n), nil
		}
		f, err := v.Float64()
		return msgp.AppendFloat64(b, f), err
	default:
		return msgp.AppendIntf(b, token)
	}
}

func appendNested(b []byte, dec *json.Decoder, open json.Delim) ([]byte, error) {
	var items [][]byte
	var first string
	for dec.More() {
		item, err := appendJSON(nil, dec)
		if err != nil {
			return b, err
		}
		if len(items) == 0 {
			first, _, _ = msgp.ReadStringBytes(item)
		}
		items = append(items, item)
	}
	if _, err := dec.Token(); err != nil {
		return b, err
	}
	switch {
	case open == '[':
		b = msgp.AppendArrayHeader(b, uint32(len(items)))
	case len(items) == 2 && strings.HasPrefix(first, "$"):
		return appendView(b, first, items[1])
	default:
		b = msgp.AppendMapHeader(b, uint32(len(items)/2))
	}
	return append(b, bytes.Join(items, nil)...), nil
}

// appendView appends what {"$b64": …}, {"$float": …}, {"$int": …} or {"$map": …} stands for.
func appendView(b []byte, name string, arg []byte) ([]byte, error) {
	text, _, _ := msgp.ReadStringBytes(arg)
	switch name {
	case "$b64":
		raw, err := base64.StdEncoding.DecodeString(text)
		return msgp.AppendBytes(b, raw), err
	case "$float":
		f, err := strconv.ParseFloat(text, 64)
		return msgp.AppendFloat64(b, f), err
	case "$int":
		n, err := strconv.ParseUint(text, 10, 64)
		return msgp.AppendUint64(b, n), err
	case "$map":
		n, rest, err := msgp.ReadArrayHeaderBytes(arg)
		b = msgp.AppendMapHeader(b, n)
		for range n {
			if _, rest, err = msgp.ReadArrayHeaderBytes(rest); err != nil {
				return b, err
			}
			for range 2 {
				next, err := msgp.Skip(rest)
				if err != nil {
					return b, err
				}
				b, rest = append(b, rest[:len(rest)-len(next)]...), next
			}
		}
		return b, err
	}
	return b, fmt.Errorf("unknown view %s", name)
}

// asValue is pack for what the checkers read.
func asValue(t testing.TB, text string) value { return value(pack(t, text)) }

// newExecutor returns an executor over a tasks directory with course/task.
func newExecutor(t testing.TB, rules Rules) (*Executor, string) {
	t.Helper()
	dir := t.TempDir()
	mkdir(t, dir, "course/task")
	e, err := New(Config{Tasks: dir, Rules: rules, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	e.tasks.fresh = 0 // tests change files
	return e, dir
}

func mkdir(t testing.TB, parts ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(parts...), 0o755); err != nil {
		t.Fatal(err)
	}
}

// newJob returns a job of course/task. Problems and inputs are JSON.
func newJob(t testing.TB, problems, inputs string) agent.Job {
	t.Helper()
	data := pack(t, inputs)
	state, _ := value(msgp.Locate("@state", data)).text()
	return agent.Job{State: string(state), BackendNewJob: &wire.BackendNewJob{
		JobID:           "job",
		CourseID:        wire.Nullable{Value: "course"},
		TaskID:          wire.Nullable{Value: "task"},
		TaskProblems:    pack(t, problems),
		InputData:       data,
		EnvironmentType: "mcq",
		Environment:     "mcq",
	}}
}

// moFile returns a .mo file that translates pairs[0] to pairs[1] and so on.
func moFile(order binary.AppendByteOrder, pairs ...string) []byte {
	n := uint32(len(pairs) / 2)
	magic, at := uint32(0x950412de), 28+16*n
	var ids, trs, texts []byte
	for i, s := range pairs {
		entry := order.AppendUint32(order.AppendUint32(nil, uint32(len(s))), at+uint32(len(texts)))
		texts = append(append(texts, s...), 0)
		if i%2 == 0 {
			ids = append(ids, entry...)
		} else {
			trs = append(trs, entry...)
		}
	}
	var b []byte
	for _, field := range []uint32{magic, 0, n, 28, 28 + 8*n, 0, 0} {
		b = order.AppendUint32(b, field)
	}
	return bytes.Join([][]byte{b, ids, trs, texts}, nil)
}

// writeMO writes a little-endian .mo file below dir.
func writeMO(t testing.TB, dir, path string, pairs ...string) {
	t.Helper()
	path = filepath.Join(dir, path)
	mkdir(t, filepath.Dir(path))
	if err := os.WriteFile(path, moFile(binary.LittleEndian, pairs...), 0o644); err != nil {
		t.Fatal(err)
	}
}

// show writes a result's problems as JSON, for messages of tests.
func show(raw wire.Raw) string {
	if len(raw) == 0 {
		return "{}"
	}
	var b bytes.Buffer
	if _, err := msgp.UnmarshalAsJSON(&b, raw); err != nil {
		return fmt.Sprintf("%x (%v)", []byte(raw), err)
	}
	return b.String()
}
