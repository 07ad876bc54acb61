package main

import (
	"fmt"
	"os"
	"time"

	"github.com/mattn/go-isatty"
)

// progress tells a waiting person what happens: one line that changes on a
// terminal, one line per step elsewhere.
type progress struct {
	out   *os.File
	live  bool
	quiet bool
	step  string
	since time.Time
}

func newProgress(out *os.File, quiet bool) *progress {
	return &progress{out: out, quiet: quiet, live: isatty.IsTerminal(out.Fd())}
}

// to enters a step.
func (p *progress) to(step string) {
	p.step, p.since = step, time.Now()
	if p.quiet {
		return
	}
	if p.live {
		p.tick()
	} else {
		fmt.Fprintln(p.out, step)
	}
}

// tick shows how long the step has taken.
func (p *progress) tick() {
	if p.live && !p.quiet {
		fmt.Fprintf(p.out, "\r\x1b[K%s … %v", p.step, time.Since(p.since).Round(time.Second))
	}
}

// line shows something that is to stay.
func (p *progress) line(text string) {
	if p.live {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	fmt.Fprintln(p.out, text)
}

// end clears the changing line.
func (p *progress) end() {
	if p.live && !p.quiet {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
