package vm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// testEvent is a line of go tool test2json.
type testEvent struct{ Action, Test, Output string }

// summary counts the top-level tests of a package.
type summary struct {
	passed, failed, skipped int
	exit                    int // status of the test binary
}

// ok says whether each test that is there was run and passed.
func (s summary) ok() bool { return s.exit == 0 && s.failed == 0 && s.skipped == 0 && s.passed > 0 }

func (s summary) String() string {
	text := fmt.Sprintf("%d passed", s.passed)
	if s.failed > 0 {
		text += fmt.Sprintf(", %d failed", s.failed)
	}
	if s.skipped > 0 {
		text += fmt.Sprintf(", %d skipped, which counts as failed", s.skipped)
	}
	if s.passed+s.failed+s.skipped == 0 {
		text = "no test ran, which counts as failed"
	}
	if s.exit != 0 {
		text += fmt.Sprintf(", exit status %d", s.exit)
	}
	return text
}

// convert returns a writer for a test binary's output. The output is printed as
// t says, and the summary is sent after the writer was closed.
func (t Tests) convert(ctx context.Context) (io.WriteCloser, <-chan summary, error) {
	cmd := exec.CommandContext(ctx, "go", "tool", "test2json")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("start test2json: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("start test2json: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start test2json: %w", err)
	}
	done := make(chan summary, 1)
	go func() {
		s := t.print(out)
		_ = cmd.Wait()
		done <- s
	}()
	return in, done, nil
}

// print reads events to their end. Without Verbose the output of a test is held
// until it fails or is skipped.
func (t Tests) print(events io.Reader) summary {
	var s summary
	held := map[string]*strings.Builder{}
	for in := json.NewDecoder(events); ; {
		var ev testEvent
		if in.Decode(&ev) != nil {
			break
		}
		top, _, sub := strings.Cut(ev.Test, "/")
		switch {
		case ev.Action == "output" && (t.Verbose || ev.Test == "" && !isVerdict(ev.Output)):
			_, _ = io.WriteString(t.Out, ev.Output)
		case ev.Action == "output" && ev.Test != "":
			if held[top] == nil {
				held[top] = &strings.Builder{}
			}
			held[top].WriteString(ev.Output)
		case ev.Test == "" || sub:
			if ev.Action == "skip" && sub {
				s.skipped++
			}
		default:
			s.count(ev.Action)
			if b := held[top]; b != nil && (ev.Action == "fail" || ev.Action == "skip") {
				_, _ = io.WriteString(t.Out, b.String())
			}
			if ev.Action == "pass" || ev.Action == "fail" || ev.Action == "skip" {
				delete(held, top)
			}
		}
	}
	for _, b := range held { // of tests that a crash left without a verdict
		_, _ = io.WriteString(t.Out, b.String())
	}
	return s
}

func (s *summary) count(action string) {
	switch action {
	case "pass":
		s.passed++
	case "fail":
		s.failed++
	case "skip":
		s.skipped++
	}
}

// isVerdict reports whether a line of a package says only what the summary says too.
func isVerdict(line string) bool { return line == "PASS\n" || line == "FAIL\n" }
