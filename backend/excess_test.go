package backend

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

// nested is a value of arrays inside each other.
func nested(depth int) wire.Raw {
	return append(bytes.Repeat([]byte{0x91}, depth), 0xc0)
}

// A job over a limit is answered at once, with its state; its client stays, and
// so do its other jobs.
func TestLongJob(t *testing.T) {
	for name, input := range map[string]wire.Raw{
		"bytes": append(wire.Raw{0xc6, 0, 1, 0x86, 0xa0}, make([]byte, maxMessage)...),
		"depth": nested(21),
	} {
		for _, gen := range []wire.Generation{wire.G6, wire.GH} {
			t.Run(name+" "+gen.String(), func(t *testing.T) {
				cfg := defaults()
				cfg.Limits.Depth = 20
				inBubble(t, cfg, func(r *rig) {
					a, c := r.agent("", wire.GH, 2), r.client(gen)
					long := job("long")
					long.InputData = append(wire.Raw("\x82\xa6@state\xa1s\xa1x"), input...)
					c.say(job("short"), long)
					done := hear[*wire.BackendJobDone](c)
					if done.JobID != "long" || done.Status != "crash" || gen == wire.GH && done.State != "s" {
						t.Errorf("heard %+v", done)
					}
					hear[*wire.BackendNewJob](a)
					a.quiet()
					a.say(&wire.AgentJobDone{JobID: "short", Result: wire.Result{Status: "success"}})
					if done := hear[*wire.BackendJobDone](c); done.JobID != "short" || done.Status != "success" {
						t.Errorf("heard %+v", done)
					}
				})
			})
		}
	}
}

// A result over a limit ends its job, and the agent goes on with others.
func TestLongResult(t *testing.T) {
	for name, res := range map[string]wire.Result{
		"bytes": {Status: "success", Archive: make([]byte, maxMessage)},
		"depth": {Status: "success", Custom: nested(21)},
	} {
		for _, gen := range []wire.Generation{wire.G6, wire.G9, wire.GH} {
			t.Run(name+" "+gen.String(), func(t *testing.T) {
				cfg := defaults()
				cfg.Limits.Depth = 20
				inBubble(t, cfg, func(r *rig) {
					a, c := r.agent("", gen, 1), r.client(wire.GH)
					c.say(job("j1"), job("j2"))
					first := hear[*wire.BackendNewJob](a)
					a.say(&wire.AgentJobDone{Client: first.Client, JobID: "j1", Result: res})
					done := hear[*wire.BackendJobDone](c)
					if done.JobID != "j1" || done.Status != "crash" || done.State != "s" {
						t.Errorf("heard %+v", done)
					}
					if next := hear[*wire.BackendNewJob](a); next.JobID != "j2" {
						t.Errorf("heard %+v", next)
					}
				})
			})
		}
	}
}

// A job whose id is so long that its result could not be answered is refused, and its
// client stays. One that is only just not goes all the way.
func TestLongID(t *testing.T) {
	for _, gen := range []wire.Generation{wire.G6, wire.GH} {
		t.Run(gen.String(), func(t *testing.T) {
			inBubble(t, defaults(), func(r *rig) {
				a, c := r.agent("", gen, 1), r.client(wire.GH)
				longest := strings.Repeat("x", wire.MaxID)
				c.say(job(longest+"x"), job(longest))
				if done := hear[*wire.BackendJobDone](c); done.JobID != longest+"x" || done.Status != "crash" || done.State != "s" {
					t.Errorf("heard %.100q %s", done.JobID, done.Status)
				}
				first := hear[*wire.BackendNewJob](a)
				a.say(&wire.AgentJobDone{Client: first.Client, JobID: longest, Result: wire.Result{Archive: make([]byte, maxMessage)}})
				if done := hear[*wire.BackendJobDone](c); done.JobID != longest || done.Status != "crash" {
					t.Errorf("heard %.100q %s", done.JobID, done.Status)
				}
				if len(a.lost)+len(c.lost) > 0 {
					t.Error("somebody lost the connection")
				}
			})
		})
	}
}

// What goes over a limit and is no job has no answer but the end.
func TestLongNonsense(t *testing.T) {
	inBubble(t, defaults(), func(r *rig) {
		a, c := r.agent("", wire.GH, 1), r.client(wire.GH)
		c.say(&wire.AgentJobDone{JobID: "j", Result: wire.Result{Archive: make([]byte, maxMessage)}})
		<-c.lost
		a.say(&wire.ClientNewJob{JobID: "j", Launcher: string(make([]byte, maxMessage))})
		<-a.lost
	})
}
