package mainproc

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/guest/mainsock"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/agent/guest/worker"
	"github.com/ingot-grading/ingot/wire/frame"
	"github.com/ingot-grading/ingot/wire/grading"
)

// conversation is a main process that runs a script until end, with the agent's
// ends of its streams. Nothing is kept between them: a write ends when it was read.
type conversation struct {
	*testing.T
	root string
	in   *frame.Writer
	out  *frame.Reader
	raw  *peeked
	end  func()
	code chan int
}

// peeked is a stream of which some was read before.
type peeked struct {
	io.Reader
	before []byte
}

func (p *peeked) Read(b []byte) (int, error) {
	if len(p.before) == 0 {
		return p.Reader.Read(b)
	}
	n := copy(b, p.before)
	p.before = p.before[n:]
	return n, nil
}

// speaks waits until the main process has begun to write a frame.
func (c *conversation) speaks() {
	c.Helper()
	c.raw.before = make([]byte, 1)
	c.soon("it says nothing", func() error {
		_, err := io.ReadFull(c.raw.Reader, c.raw.before)
		return err
	})
}

func converse(t *testing.T) *conversation { return begin(t, grading.Start{SharedKernel: true}, false) }

// begin begins a conversation with a start frame, to which it adds the script.
func begin(t *testing.T, start grading.Start, flow bool) *conversation {
	t.Helper()
	root := newRoot(t)
	end := root + "/task/end" // of rights that are right already, lest it is opened to change them and an end meets that reader
	if err := errors.Join(unix.Mkfifo(end, openMode), os.Chmod(end, openMode)); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // whose scripts the worker runs
		if err := os.Chown(end, worker.ID, worker.ID); err != nil {
			t.Fatal(err)
		}
	}
	stdin, in := io.Pipe()
	out, stdout := io.Pipe()
	raw := &peeked{Reader: out}
	c := &conversation{T: t, root: root, in: frame.NewWriter(in), out: frame.NewReader(raw, 1<<28), raw: raw, code: make(chan int, 1)}
	c.end = func() {
		if err := os.WriteFile(end, nil, 0); err != nil {
			t.Error(err)
		}
	}
	go func() {
		c.code <- Main(Config{
			Stdin: stdin, Stdout: stdout, Root: root, Worker: os.Geteuid(), Superuser: os.Geteuid(), Flow: flow, Log: slog.New(slog.DiscardHandler),
		})
	}()
	script := `sh -c 'cat end; echo "{\"result\": \"success\"}" > ../.__output/__feedback.json'`
	start.Input, start.RunCmd = []byte{0x80}, &script
	c.say(encoded(t, &start))
	return c
}

// say has the main process read a frame.
func (c *conversation) say(f []byte) {
	c.Helper()
	c.soon("its input is not read", func() error { return c.in.Write(f) })
}

// hear is the next frame of the main process.
func (c *conversation) hear() (m grading.Message) {
	c.Helper()
	c.soon("it says nothing", func() error {
		f, err := c.out.Next()
		if err == nil {
			m, err = grading.Decode(slices.Clone(f))
		}
		return err
	})
	return m
}

func (c *conversation) soon(otherwise string, do func() error) {
	c.Helper()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		if err != nil {
			c.Fatal(err)
		}
	case <-time.After(time.Minute):
		c.Fatal(otherwise)
	}
}

// ask sends a request to the main process, and reads nothing.
func (c *conversation) ask(q *mainsock.Req, m grading.Message) {
	c.Helper()
	if err := q.Ask(encoded(c.T, m)); err != nil {
		c.Fatal(err)
	}
}

func (c *conversation) dial() *mainsock.Req {
	c.Helper()
	q, err := mainsock.Dial(c.Context(), c.root+socketPath)
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(q.Close)
	return q
}

func (c *conversation) reply(q *mainsock.Req) (kind string) {
	c.Helper()
	c.soon("there is no reply", func() error {
		b, err := q.Next()
		if err == nil {
			v, _ := pyjson.FromMsgpack(b)
			kind = text(v.(*pyjson.Object), "type")
		}
		return err
	})
	return kind
}

func encoded(t *testing.T, m grading.Message) []byte {
	t.Helper()
	b, err := grading.Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A student's program may write before it reads: what it writes arrives although
// nobody takes what it is to read, and a script does not send more of that.
func TestOutputBesideUnreadInput(t *testing.T) {
	c := converse(t)
	script, feeder := c.dial(), c.dial()
	c.ask(script, &grading.RunStudent{SocketID: "p1"})
	if _, ok := c.hear().(*grading.RunStudent); !ok {
		t.Fatal("no student is asked for")
	}
	c.say(encoded(t, &grading.RunStudentStarted{SocketID: "p1", ContainerID: "c1"}))
	if kind := c.reply(script); kind != string(grading.KindRunStudentStarted) {
		t.Fatalf("the script is told %q", kind)
	}
	c.ask(feeder, &grading.Stdin{ContainerID: "c1", Message: make([]byte, 512000)}) // that the agent does not read
	c.speaks()
	told := make(chan string, 1)
	go func() { told <- c.reply(feeder) }()
	for range 3 {
		if err := script.Ask([]byte("\x81\xa4type\xaddummy_message")); err != nil {
			t.Fatal(err)
		}
		c.say(encoded(t, &grading.Stdout{SocketID: "p1", Message: []byte("x")}))
		if kind := c.reply(script); kind != string(grading.KindStdout) {
			t.Fatalf("the script is told %q", kind)
		}
	}
	select {
	case <-told:
		t.Error("the next block was asked for")
	default:
	}
	if m, ok := c.hear().(*grading.Stdin); !ok || len(m.Message) != 512000 {
		t.Errorf("the agent hears %T", m)
	}
	if kind := <-told; kind != "dummy_message" {
		t.Errorf("who feeds is told %q", kind)
	}
	c.end()
	if m, ok := c.hear().(*grading.Result); !ok {
		t.Errorf("the agent hears %T", m)
	}
	if code := <-c.code; code != 0 {
		t.Errorf("exit %d", code)
	}
}
