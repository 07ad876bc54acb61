package grade

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/agent/relay"
	"github.com/ingot-grading/ingot/wire/frame"
	"github.com/ingot-grading/ingot/wire/grading"
)

func encode(t testing.TB, m grading.Message) []byte {
	t.Helper()
	b, err := grading.Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The last result counts, whatever came between and after, and a flood of
// rubbish does not flood the log.
func TestInbox(t *testing.T) {
	var log strings.Builder
	asked, unclear, over := make(chan *grading.RunStudent, 1), make(chan string, 1), make(chan struct{})
	in := inbox{log: slog.New(slog.NewTextHandler(&log, nil)), asked: asked, unclear: unclear, over: over, routes: &routes{}}
	take := func(b []byte) {
		if err := in.take(b); err != nil {
			t.Fatal(err)
		}
	}
	take(encode(t, &grading.Result{Result: msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), "first")}))
	take(encode(t, &grading.Result{Result: msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), "last")}))
	for range 10000 {
		take([]byte("rubbish"))
		take(nil)
		take(encode(t, &grading.RunStudentRetval{}))
		take(encode(t, &grading.Stdin{ContainerID: "nobody"}))
		take([]byte("\x81\xa4type\xa6result"))
	}
	if !bytes.Contains(in.result, []byte("last")) {
		t.Errorf("the result is %q", in.result)
	}
	if n := strings.Count(log.String(), "\n"); n != maxComplaints {
		t.Errorf("%d lines in the log, want %d", n, maxComplaints)
	}
	for _, id := range []string{"", "a/b", "../p1", "/", "p\x00", strings.Repeat("p", 251), strings.Repeat("p", 10<<20)} {
		take(encode(t, &grading.RunStudent{SocketID: id}))
	}
	if len(asked) > 0 {
		t.Errorf("asked for a socket that can be no file: %.100q", (<-asked).SocketID)
	}
	take(encode(t, &grading.RunStudent{SocketID: strings.Repeat("p", 250)}))
	<-asked
	take(encode(t, &grading.RunStudent{SocketID: "p1"}))
	if r := <-asked; r.SocketID != "p1" {
		t.Errorf("asked for %+v", r)
	}
	nonsense := func(socket string) []byte {
		return []byte("\x83\xa4type\xabrun_student\xaatime_limit\xa4soon\xa9socket_id" + string(msgp.AppendString(nil, socket)))
	}
	take(nonsense("a/b"))
	take(nonsense("p2"))
	if socket := <-unclear; socket != "p2" {
		t.Errorf("a request of %q is not understood", socket)
	}
	close(over) // nobody takes requests any more
	for range 3 {
		take(encode(t, &grading.RunStudent{SocketID: "p1"}))
		take(nonsense("p2"))
	}
}

// What is too long for a student container is not kept in memory for it.
func TestLongFramesAreNotForwarded(t *testing.T) {
	var log strings.Builder
	r, routes := route(t)
	r.HangUp() // it would take no frame at all
	in := inbox{log: slog.New(slog.NewTextHandler(&log, nil)), routes: routes}
	for size, want := range map[int]int{maxRelayed - 100: 0, maxRelayed: 1} {
		log.Reset()
		if err := in.take(encode(t, &grading.Stdin{ContainerID: "c1", Message: make([]byte, size)})); err != nil {
			t.Error(err)
		}
		if n := strings.Count(log.String(), "longer than"); n != want {
			t.Errorf("%d bytes: said %q", size, log.String())
		}
	}
}

// Of what a student container says only its own output passes.
func TestFramesOfStudentsThatPass(t *testing.T) {
	extra := func(key, value string) []byte {
		b := msgp.AppendMapHeader(nil, 4)
		for _, kv := range [][2]string{{"type", "stdout"}, {"socket_id", "p1"}, {"message", "m"}, {key, value}} {
			b = msgp.AppendString(msgp.AppendString(b, kv[0]), kv[1])
		}
		return b
	}
	for name, c := range map[string]struct {
		frame []byte
		want  bool
	}{
		"stdout":              {encode(t, &grading.Stdout{SocketID: "p1", Message: []byte("x")}), true},
		"stderr":              {encode(t, &grading.Stderr{SocketID: "p1"}), true},
		"a field more":        {extra("more", "fields"), true},
		"another's":           {encode(t, &grading.Stdout{SocketID: "p2"}), false},
		"a result":            {encode(t, &grading.Result{Result: []byte{0x80}}), false},
		"a retval":            {encode(t, &grading.RunStudentRetval{SocketID: "p1"}), false},
		"a started":           {encode(t, &grading.RunStudentStarted{SocketID: "p1"}), false},
		"text that is none":   {extra("more", "\xff"), false},
		"a key that is none":  {append(append([]byte{0x83, 1, 1}, encode(t, &grading.Stdout{SocketID: "p1"})[1:]...), 0), false},
		"something behind it": {append(encode(t, &grading.Stdout{SocketID: "p1"}), 0), false},
		"what it took":        {encode(t, &grading.Taken{SocketID: "p1", Size: 1}), false},
		"nothing":             {nil, false},
	} {
		if got := passes(c.frame, "p1", false); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Containers hear of flow control where the grading one takes part in it.
func TestFlowControlPasses(t *testing.T) {
	for _, socket := range []string{"p1", "p2"} {
		if got, want := passes(encode(t, &grading.Taken{SocketID: socket, Size: 1}), "p1", true), socket == "p1"; got != want {
			t.Errorf("of %s: %v", socket, got)
		}
	}
	in := inbox{log: slog.New(slog.DiscardHandler), routes: &routes{}}
	for _, m := range []grading.Message{&grading.Stdin{ContainerID: "c1"}, &grading.Taken{}} {
		if in.routes.flow.Load() {
			t.Errorf("flow control before %T", m)
		}
		if err := in.take(encode(t, m)); err != nil {
			t.Fatal(err)
		}
	}
	if !in.routes.flow.Load() || in.skipped != 0 {
		t.Errorf("the word of flow control is lost, %d frames skipped", in.skipped)
	}
}

func TestForwardingAllocatesNothing(t *testing.T) {
	f := encode(t, &grading.Stdout{SocketID: "p12345678", Message: make([]byte, 1000)})
	if n := testing.AllocsPerRun(100, func() {
		if !passes(f, "p12345678", false) {
			t.Fatal("not its output")
		}
	}); n > 0 {
		t.Errorf("%v allocations for a frame of a student", n)
	}
	r, routes := route(t)
	in := inbox{routes: routes}
	f = encode(t, &grading.Stdin{ContainerID: "c1", Message: make([]byte, 1000)})
	if n := testing.AllocsPerRun(1000, func() {
		if err := in.take(f); err != nil {
			t.Fatal(err)
		}
	}); n > 0.5 { // the relay's buffers grow at first
		t.Errorf("%v allocations for a frame of the grader", n)
	}
	r.HangUp()
	if err := in.take(f); err != nil {
		t.Errorf("to a student that has ended: %v", err)
	}
}

// route is a route to container c1, which reads and says nothing.
func route(t *testing.T) (*relay.Relay, *routes) {
	t.Helper()
	stdout, out := io.Pipe()
	r := relay.Start(discard{}, stdout, 1, func([]byte) error { return nil })
	t.Cleanup(func() { out.Close() })
	var all routes
	all.add("c1", r)
	return r, &all
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

// Containers that flood each other end when they are killed, whoever waits for
// whom at that moment.
func TestFloodsEnd(t *testing.T) {
	type end struct {
		in, out *os.File
		relay   *relay.Relay
	}
	var grader, student end
	flood := func(e *end, f []byte) {
		w := frame.NewWriter(e.out)
		for w.Write(f) == nil { // until it is killed
		}
	}
	begin := func(e *end, on func([]byte) error) {
		in, stdin, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		e.in, e.out = in, out
		e.relay = relay.Start(stdin, stdout, maxRelayed, on)
		t.Cleanup(func() { in.Close(); stdin.Close(); stdout.Close(); out.Close() })
	}
	routes := &routes{}
	in := inbox{log: slog.New(slog.DiscardHandler), routes: routes}
	ready := make(chan struct{})
	begin(&grader, func(f []byte) error { <-ready; return in.take(f) })
	begin(&student, func(f []byte) error {
		if !passes(f, "p1", false) {
			return errors.New("not its output")
		}
		_ = grader.relay.Forward(f)
		return nil
	})
	routes.add("c1", student.relay)
	close(ready)
	go flood(&grader, encode(t, &grading.Stdin{ContainerID: "c1", Message: make([]byte, 50000)}))
	go flood(&student, encode(t, &grading.Stdout{SocketID: "p1", Message: make([]byte, 50000)}))
	<-time.After(100 * time.Millisecond) // all buffers are full, both readers wait for each other's writer
	grader.relay.HangUp()
	student.relay.HangUp()
	grader.out.Close()
	student.out.Close()
	for name, e := range map[string]end{"grader": grader, "student": student} {
		if err := e.relay.Wait(t.Context()); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(fmt.Errorf("%s: %w", name, err))
		}
	}
}
