package wire_test

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/wiretest"
	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"
)

// anyValue draws any value that a Python program may pass on.
func anyValue(t *rapid.T, depth int) wire.Raw {
	kind := rapid.IntRange(0, 8).Draw(t, "kind")
	if depth == 0 {
		kind %= 7
	}
	switch kind {
	case 0:
		return wire.Raw{0xc0}
	case 1:
		return msgp.AppendBool(nil, rapid.Bool().Draw(t, "bool"))
	case 2:
		return msgp.AppendInt64(nil, rapid.Int64().Draw(t, "int"))
	case 3:
		return msgp.AppendUint64(nil, rapid.Uint64().Draw(t, "uint"))
	case 4:
		return msgp.AppendFloat64(nil, rapid.Float64().Draw(t, "float"))
	case 5:
		return msgp.AppendBytes(nil, rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
	case 6:
		return msgp.AppendString(nil, rapid.String().Draw(t, "text"))
	case 7:
		n := rapid.IntRange(0, 20).Draw(t, "elements")
		v := wire.Raw(msgp.AppendArrayHeader(nil, uint32(n)))
		for range n {
			v = append(v, anyValue(t, depth-1)...)
		}
		return v
	}
	return anyMap(t, depth-1)
}

func anyMap(t *rapid.T, depth int) wire.Raw {
	n := rapid.IntRange(0, 20).Draw(t, "entries")
	v := wire.Raw(msgp.AppendMapHeader(nil, uint32(n)))
	for range n {
		v = append(append(v, anyValue(t, 0)...), anyValue(t, depth)...)
	}
	return v
}

// anyMessage fills all fields of a message that generations since 0.7 send.
func anyMessage(t *rapid.T, m wire.Message) wire.Message {
	fill(t, reflect.ValueOf(m).Elem())
	if h, ok := m.(*wire.AgentHello); ok {
		h.SSHAllowed, h.Types, h.Environments = false, nil, nil
		for i := range rapid.IntRange(1, 3).Draw(t, "types") {
			h.Types = append(h.Types, fmt.Sprint("type", i))
			for j := range rapid.IntRange(1, 3).Draw(t, "names") {
				e := wire.Environment{Ports: []int64{}}
				fill(t, reflect.ValueOf(&e).Elem())
				e.Type, e.Name, e.Created = h.Types[i], fmt.Sprint(j), math.Floor(rapid.Float64Range(0, 1e10).Draw(t, "created"))
				h.Environments = append(h.Environments, e)
			}
		}
	}
	return m
}

func fill(t *rapid.T, v reflect.Value) {
	switch v.Interface().(type) {
	case wire.Raw:
		v.Set(reflect.ValueOf(anyMap(t, 2)))
		return
	case wire.Debug:
		v.SetUint(rapid.Uint64Range(0, 2).Draw(t, "debug"))
		return
	case wire.Nullable:
		if rapid.Bool().Draw(t, "nil") {
			v.Set(reflect.ValueOf(wire.Nullable{Null: true}))
			return
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if name != "Client" && name != "Null" {
				fill(t, v.Field(i))
			}
		}
	case reflect.Slice:
		n := rapid.IntRange(1, 3).Draw(t, "len")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i))
		}
	case reflect.String:
		v.SetString(rapid.String().Draw(t, "text"))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int"))
	case reflect.Float64:
		v.SetFloat(rapid.Float64().Draw(t, "float"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Byte().Draw(t, "byte")))
	default:
		t.Fatalf("no way to fill %v", v.Type())
	}
}

func everyType() []wire.Message {
	return []wire.Message{
		&wire.ClientHello{}, &wire.ClientNewJob{}, &wire.ClientKillJob{}, &wire.ClientGetQueue{}, &wire.BackendUpdateEnvironments{},
		&wire.BackendJobStarted{}, &wire.BackendJobDone{}, &wire.BackendJobSSHDebug{}, &wire.BackendGetQueue{},
		&wire.BackendNewJob{}, &wire.BackendKillJob{}, &wire.AgentHello{}, &wire.AgentJobStarted{}, &wire.AgentJobDone{},
		&wire.AgentJobSSHDebug{}, &wire.Ping{}, &wire.Pong{}, &wire.Unknown{},
	}
}

// What is sent arrives: all of it at the newest generation, and at the others
// all that they have a field for.
func TestRoundTrip(t *testing.T) {
	for _, m := range everyType() {
		t.Run(fmt.Sprintf("%T", m), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				m := anyMessage(rt, reflect.New(reflect.TypeOf(m).Elem()).Interface().(wire.Message))
				for g := wire.G5; g <= wire.GH; g++ {
					got := resend(rt, wire.NewDialect(g, wire.Limits{}), m)
					if g == wire.GH && !reflect.DeepEqual(got, m) {
						rt.Fatalf("sent %+v\n got %+v", m, got)
					}
				}
			})
		})
	}
}

// resend sends m through d to a peer that sends it back, and checks that what
// came back would be sent the same way. It returns what the peer got.
func resend(t interface{ Fatalf(string, ...any) }, d *wire.Dialect, m wire.Message) wire.Message {
	frame, err := d.Append(nil, m)
	if err != nil {
		t.Fatalf("%s: %v", d.Generation(), err)
	}
	got, err := d.Decode(frame)
	if err != nil {
		t.Fatalf("%s: %v of %x", d.Generation(), err, frame)
	}
	again, err := d.Append(nil, got)
	if err != nil || !bytes.Equal(again, frame) {
		t.Fatalf("%s: %v\nsent %x\nthen %x", d.Generation(), err, frame, again)
	}
	return got
}

// Whatever is decoded can be sent to a peer of any generation, which then sends
// it on without a change.
func FuzzDecode(f *testing.F) {
	small := map[string]bool{}
	for _, file := range wiretest.VectorFiles(f)[:2] {
		for _, v := range file.Vectors {
			if frame := v.Frame(f); len(frame) < 1500 && !small[v.Gen+v.Type+v.Name] {
				small[v.Gen+v.Type+v.Name] = true
				f.Add(frame)
			}
		}
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		d := wire.NewLearner(wire.Limits{})
		m, err := d.Decode(frame)
		if err != nil {
			if len(d.Candidates()) != 7 {
				t.Fatal("a refused frame taught something")
			}
			return
		}
		if err := (wire.Limits{}).Check(frame); err != nil {
			t.Fatalf("decoded, but: %v", err)
		}
		resend(t, d, m)
		for g := wire.G5; g <= wire.GH; g++ {
			resend(t, wire.NewDialect(g, wire.Limits{}), m)
		}
	})
}
