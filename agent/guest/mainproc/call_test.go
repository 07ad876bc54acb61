package mainproc

import (
	"testing"

	"github.com/ingot-grading/ingot/agent/guest/mainsock"
	"github.com/ingot-grading/ingot/wire/grading"
)

// called is a conversation in which a script has called run_student where no
// kernel is shared.
func called(t *testing.T, flow bool) (c *conversation, script *mainsock.Req) {
	t.Helper()
	c = begin(t, grading.Start{}, flow)
	if flow {
		if m, ok := c.hear().(*grading.Taken); !ok || *m != (grading.Taken{}) {
			t.Fatalf("no word of flow control but %+v", m)
		}
	}
	script = c.dial()
	c.ask(script, &grading.RunStudent{SocketID: "p1"})
	if _, ok := c.hear().(*grading.RunStudent); !ok {
		t.Fatal("no student is asked for")
	}
	c.say(encoded(t, &grading.RunStudentStarted{SocketID: "p1", ContainerID: "c1"}))
	c.told(script, grading.KindRunStudentStarted)
	c.ask(script, &grading.RunStudentInit{SocketID: "p1", ContainerID: "c1"})
	c.told(script, "dummy_message")
	if _, ok := c.hear().(*grading.RunStudentInit); !ok {
		t.Fatal("the command does not pass")
	}
	return c, script
}

// abandoned expects to hear that a container's command has no more input, and that
// nobody reads its output if that is to be said.
func (c *conversation) abandoned(flow bool) {
	c.Helper()
	if m, ok := c.hear().(*grading.Stdin); !ok || m.ContainerID != "c1" || len(m.Message) != 0 {
		c.Errorf("heard %+v, want the end of the input", m)
	}
	if flow {
		c.took(grading.NoneLeft)
	}
}

// told expects a reply of that kind.
func (c *conversation) told(q *mainsock.Req, want grading.Kind) {
	c.Helper()
	if kind := c.reply(q); kind != string(want) {
		c.Fatalf("told %q, want %q", kind, want)
	}
}

// more asks for the next reply, having read the one before.
func (c *conversation) more(q *mainsock.Req) {
	c.Helper()
	if err := q.Ask(encode("dummy_message")); err != nil {
		c.Fatal(err)
	}
}

// took expects to hear that so much of the output was taken.
func (c *conversation) took(want int64) {
	c.Helper()
	if m, ok := c.hear().(*grading.Taken); !ok || *m != (grading.Taken{ContainerID: "c1", Size: want}) {
		c.Errorf("heard %+v, want that %d bytes were taken", m, want)
	}
}

const half = grading.FlowStep / 2

// A student container hears how much of its output was read, in steps, and when
// nobody is left to read.
func TestOutputThatIsRead(t *testing.T) {
	c, script := called(t, true)
	c.say(encoded(t, &grading.Taken{SocketID: "p1"})) // it takes part, too
	write := func(n int) { c.say(encoded(t, &grading.Stdout{SocketID: "p1", Message: make([]byte, n)})) }
	for range 4 {
		write(half)
	}
	for range 2 {
		c.more(script)
		c.told(script, grading.KindStdout)
	}
	c.more(script) // has read two
	c.told(script, grading.KindStdout)
	c.took(2 * half)
	script.Close()
	c.abandoned(true)
	write(2*half + 1) // says nothing new
	c.end()
	if _, ok := c.hear().(*grading.Result); !ok {
		t.Error("no result")
	}
}

// A script that feeds a command faster than that reads waits for it, until the
// container ends.
func TestInputThatIsTaken(t *testing.T) {
	c, script := called(t, true)
	c.say(encoded(t, &grading.Taken{SocketID: "p1"}))
	feeder := c.dial()
	feed := func() {
		t.Helper()
		c.ask(feeder, &grading.Stdin{ContainerID: "c1", Message: make([]byte, half)})
		if _, ok := c.hear().(*grading.Stdin); !ok {
			t.Fatal("the input does not pass")
		}
	}
	for n := half; n < grading.FlowWindow; n += half {
		feed()
		c.told(feeder, "dummy_message")
	}
	feed() // the window is full
	told := make(chan string, 1)
	wait := func() { go func() { told <- c.reply(feeder) }() }
	wait()
	c.say(encoded(t, &grading.Stdout{SocketID: "p1", Message: []byte("beside")}))
	c.more(script)
	c.told(script, grading.KindStdout)
	select {
	case <-told:
		t.Error("more is asked for than fits")
	default:
	}
	c.say(encoded(t, &grading.Taken{SocketID: "p2", Size: 1 << 40})) // of nobody
	c.say(encoded(t, &grading.Taken{SocketID: "p1", Size: half}))
	if kind := <-told; kind != "dummy_message" {
		t.Errorf("told %q", kind)
	}
	feed()
	wait()
	c.say(encoded(t, &grading.RunStudentRetval{SocketID: "p1"}))
	if kind := <-told; kind != "dummy_message" {
		t.Errorf("told %q at the end", kind)
	}
	c.end()
	if _, ok := c.hear().(*grading.Result); !ok {
		t.Error("no result")
	}
}

// Other programs know nothing of flow control: they hear nothing of it, and are
// not waited for.
func TestWithoutFlowControl(t *testing.T) {
	for _, agent := range []bool{false, true} { // the student container does not take part
		c, script := called(t, agent)
		feeder := c.dial()
		for n := 0; n < 2*grading.FlowWindow; n += half {
			c.ask(feeder, &grading.Stdin{ContainerID: "c1", Message: make([]byte, half)})
			if _, ok := c.hear().(*grading.Stdin); !ok {
				t.Fatal("the input does not pass")
			}
			c.told(feeder, "dummy_message")
			c.say(encoded(t, &grading.Stdout{SocketID: "p1", Message: make([]byte, half)}))
			c.more(script)
			c.told(script, grading.KindStdout)
		}
		script.Close()
		c.abandoned(false)
		c.end()
		if m, ok := c.hear().(*grading.Result); !ok {
			t.Errorf("heard %+v before the result", m)
		}
	}
}

// A script that is killed before it gave its container a command leaves none that
// waits for one, whenever it is made.
func TestScriptThatIsKilledEarly(t *testing.T) {
	for _, when := range []string{"before it is made", "after"} {
		t.Run(when, func(t *testing.T) {
			c := begin(t, grading.Start{}, true)
			c.hear() // the word of flow control
			script := c.dial()
			c.ask(script, &grading.RunStudent{SocketID: "p1"})
			c.hear()
			started := encoded(t, &grading.RunStudentStarted{SocketID: "p1", ContainerID: "c1"})
			if when == "after" {
				c.say(started)
				c.told(script, grading.KindRunStudentStarted)
			}
			script.Close()
			if when == "before it is made" {
				other := c.dial() // whose request comes after that end
				c.ask(other, &grading.SSHDebug{})
				c.told(other, "ok")
				c.hear()
				c.say(started)
			}
			m, ok := c.hear().(*grading.RunStudentInit)
			if !ok || m.SocketID != "p1" || m.ContainerID != "c1" || m.Command == nil || *m.Command != "" || m.User != "worker" {
				t.Errorf("heard %+v, want a command that does nothing", m)
			}
			c.abandoned(false)
			c.say(encoded(t, &grading.Taken{SocketID: "p1"})) // only now it says that it takes part
			c.took(grading.NoneLeft)
			c.end()
			if _, ok := c.hear().(*grading.Result); !ok {
				t.Error("no result")
			}
		})
	}
}

// Who asks for a student container in terms that nobody understands is refused.
func TestRequestThatIsNotUnderstood(t *testing.T) {
	c := converse(t)
	script := c.dial()
	if err := script.Ask([]byte("\x83\xa4type\xabrun_student\xaatime_limit\xa15\xa9socket_id\xa2p1")); err != nil {
		t.Fatal(err)
	}
	c.told(script, grading.KindRunStudentRetval)
	c.end()
	if _, ok := c.hear().(*grading.Result); !ok {
		t.Error("no result")
	}
}
