package wire_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/wiretest"
)

// stateMap is inputs with a state and something around it.
func stateMap(state string) wire.Raw {
	b := msgp.AppendMapHeader(nil, 3)
	b = msgp.AppendBytes(msgp.AppendString(b, "file"), make([]byte, 70_000))
	b = msgp.AppendString(msgp.AppendString(b, "@state"), state)
	return msgp.AppendNil(msgp.AppendInt(b, 7))
}

// What it takes to answer a message is found in each of its spellings.
func TestSkim(t *testing.T) {
	const id, state = "job-1", "é state"
	client := []byte("\x00\x01\x02\x03\x04")
	for g := wire.G5; g <= wire.GH; g++ {
		var brokered []byte
		if g <= wire.G6 {
			brokered = client
		}
		for _, m := range []wire.Message{
			&wire.ClientNewJob{JobID: id, Priority: -70_000, InputData: stateMap(state), Launcher: strings.Repeat("é", 40_000)},
			&wire.BackendNewJob{Client: client, JobID: id, InputData: stateMap(state)},
			&wire.AgentJobDone{Client: client, JobID: id, Result: wire.Result{Grade: 12.5, Archive: make([]byte, 300), State: "not this one"}},
		} {
			frame, err := wire.NewDialect(g, wire.Limits{}).Append(nil, m)
			if err != nil {
				t.Fatal(err)
			}
			got, err := wire.Skim(iotest.HalfReader(bytes.NewReader(frame)))
			if err != nil {
				t.Errorf("%s %T: %v", g, m, err)
				continue
			}
			switch got := got.(type) {
			case *wire.ClientNewJob:
				if got.JobID != id || wire.StateOf(got.InputData) != state {
					t.Errorf("%s: %+v", g, got)
				}
			case *wire.BackendNewJob:
				if got.JobID != id || wire.StateOf(got.InputData) != state || !bytes.Equal(got.Client, brokered) {
					t.Errorf("%s: %+v", g, got)
				}
			case *wire.AgentJobDone:
				if want := (&wire.AgentJobDone{Client: brokered, JobID: id}); !reflect.DeepEqual(got, want) {
					t.Errorf("%s: %+v", g, got)
				}
			}
		}
	}
}

// A stranger may send anything in any order.
func TestSkimOddMessages(t *testing.T) {
	text := func(s string) string { return string(msgp.AppendString(nil, s)) }
	kind, job := text("@type")+text("ClientNewJob"), text("job_id")+text("j")
	deep := strings.Repeat("\x91", 100_000) + "\xc0"
	tests := map[string]struct {
		frame string
		err   error
	}{
		"another order":          {"\x82" + kind + job, nil},
		"nested deep":            {"\x83" + job + text("x") + deep + kind, nil},
		"every kind":             {"\x83" + job + text("x") + "\x9c\x00\xff\xc0\xc3\xca1234\xcb12345678\xcc1\xcd12\xce1234\xcf12345678\xd3abcdefgh\xd112" + kind, nil},
		"keys of every kind":     {"\x85\x07\x07\xc0\xc0\x91\x01\x01" + job + kind, nil},
		"inputs that are none":   {"\x83" + kind + text("inputdata") + "\x91\x90" + job, nil},
		"a state that is none":   {"\x83" + kind + text("inputdata") + "\x81" + text("@state") + "\x81\x01\x02" + job, nil},
		"an endless state":       {"\x83" + kind + text("inputdata") + "\x81" + text("@state") + text(strings.Repeat("x", 2<<20)) + job, nil},
		"nothing":                {"", wire.ErrMsgpack},
		"no map":                 {"\x93\x01\x02\x03", wire.ErrValue},
		"no type":                {"\x81" + job, wire.ErrUnknownType},
		"a type without a job":   {"\x82" + job + text("@type") + text("Ping"), wire.ErrUnknownType},
		"no id":                  {"\x81" + kind, wire.ErrFields},
		"an id that is none":     {"\x82" + kind + text("job_id") + "\x07", wire.ErrFields},
		"an id of three":         {"\x82" + kind + text("job_id") + "\x93\x01\x02\x03", wire.ErrValue},
		"an id not in UTF-8":     {"\x82" + kind + text("job_id") + "\xa1\xff", wire.ErrMsgpack},
		"cut short":              {"\x83" + kind + job + text("x"), wire.ErrMsgpack},
		"cut in a long value":    {"\x83" + kind + job + text("x") + "\xc6\xff\xff\xff\xff123", wire.ErrMsgpack},
		"something behind":       {"\x82" + kind + job + "\x00", wire.ErrMsgpack},
		"an extension":           {"\x83" + kind + job + text("x") + "\xd4\x01\x01", wire.ErrMsgpack},
		"more than there can be": {"\xdf\xff\xff\xff\xff" + kind + job, wire.ErrMsgpack},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := wire.Skim(strings.NewReader(tt.frame))
			if !errors.Is(err, tt.err) {
				t.Fatalf("%v, want %v", err, tt.err)
			}
			if got, ok := m.(*wire.ClientNewJob); err == nil && (!ok || got.JobID != "j" || wire.StateOf(got.InputData) != "") {
				t.Errorf("got %+v", m)
			}
		})
	}
	if _, err := wire.Skim(iotest.ErrReader(errReset)); !errors.Is(err, errReset) {
		t.Errorf("%v, want the reader's", err)
	}
}

var errReset = errors.New("reset")

// A message that decodes is skimmed to the same job, however it comes in.
func FuzzSkim(f *testing.F) {
	for _, file := range wiretest.VectorFiles(f)[:2] {
		for _, v := range file.Vectors {
			if strings.Contains(v.Type, "Job") && len(v.Hex) < 2000 {
				f.Add(v.Frame(f))
			}
		}
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		got, err := wire.Skim(bytes.NewReader(frame))
		slow, slowErr := wire.Skim(iotest.OneByteReader(bytes.NewReader(frame)))
		if !reflect.DeepEqual(got, slow) || (err == nil) != (slowErr == nil) {
			t.Fatalf("in pieces %+v, %v; at once %+v, %v", slow, slowErr, got, err)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("an end of the bytes is not told as bad msgpack: %v", err)
		}
		m, err := wire.NewLearner(wire.Limits{}).Decode(frame)
		if err != nil {
			return
		}
		switch m := m.(type) {
		case *wire.ClientNewJob:
			if g, ok := got.(*wire.ClientNewJob); !ok || g.JobID != m.JobID || wire.StateOf(g.InputData) != wire.StateOf(m.InputData) {
				t.Fatalf("skimmed %+v, decoded %+v", got, m)
			}
		case *wire.BackendNewJob:
			if g, ok := got.(*wire.BackendNewJob); !ok || g.JobID != m.JobID || !bytes.Equal(g.Client, m.Client) {
				t.Fatalf("skimmed %+v, decoded %+v", got, m)
			}
		case *wire.AgentJobDone:
			if g, ok := got.(*wire.AgentJobDone); !ok || g.JobID != m.JobID || !bytes.Equal(g.Client, m.Client) {
				t.Fatalf("skimmed %+v, decoded %+v", got, m)
			}
		}
	})
}
