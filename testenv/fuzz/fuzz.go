package fuzz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Target is a fuzz function.
type Target struct {
	Dir  string // of its package, relative to the module's root
	Name string
}

// String returns how the target is shown.
func (t Target) String() string { return t.Dir + " " + t.Name }

var declared = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)

// Targets finds the targets in the test files of dirs and below, in order.
func Targets(dirs ...string) ([]Target, error) {
	var targets []Target
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, m := range declared.FindAllSubmatch(source, -1) {
				targets = append(targets, Target{filepath.Dir(path), string(m[1])})
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find fuzz targets: %w", err)
		}
	}
	return targets, nil
}

// Runner runs targets. Its fields must not change meanwhile.
type Runner struct {
	Go   string        // command, most often "go"
	Time time.Duration // for each target
	Jobs int           // targets at a time; each has one worker
	Log  io.Writer     // a line for each target, and the output of those that fail

	mu sync.Mutex // for Log
}

// ErrFailed is why Run returns an error beside that of its context.
var ErrFailed = errors.New("targets failed")

// Run runs all targets, also after one has failed. It returns ErrFailed with their
// number if any did.
func (r *Runner) Run(ctx context.Context, targets []Target) error {
	next := make(chan Target)
	var work sync.WaitGroup
	var failed []Target
	for range max(r.Jobs, 1) {
		work.Go(func() {
			for t := range next {
				if !r.run(ctx, t) {
					r.mu.Lock()
					failed = append(failed, t)
					r.mu.Unlock()
				}
			}
		})
	}
	for _, t := range targets {
		next <- t
	}
	close(next)
	work.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(failed) > 0:
		return fmt.Errorf("%d of %d %w", len(failed), len(targets), ErrFailed)
	}
	return nil
}

// run runs one target and reports whether it is well.
func (r *Runner) run(ctx context.Context, t Target) bool {
	for again := range 2 {
		known := t.inputs()
		out, err := r.test(ctx, t, "-run", "^$", "-fuzz", "^"+t.Name+"$", "-fuzztime", r.Time.String(), "-parallel", "1")
		if err == nil {
			r.say("ok    %v\n", t)
			return true
		}
		found := slices.DeleteFunc(t.inputs(), func(name string) bool { return slices.Contains(known, name) })
		if len(found) > 0 || again == 1 || ctx.Err() != nil {
			r.say("FAIL  %v: %v\n%s", t, err, out)
			return false
		}
		if seeds, err := r.test(ctx, t, "-run", "^"+t.Name+"$"); err != nil {
			r.say("FAIL  %v: %v\n%s", t, err, seeds)
			return false
		}
		r.say("again %v: %v, and no input that fails\n", t, err)
	}
	return false
}

// inputs lists the inputs that are kept for t.
func (t Target) inputs() []string {
	entries, err := os.ReadDir(filepath.Join(t.Dir, "testdata", "fuzz", t.Name))
	if err != nil {
		return nil // there are none yet
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// test runs the tests of t's package with these flags.
func (r *Runner) test(ctx context.Context, t Target, flags ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, r.Go, append(append([]string{"test"}, flags...), ".")...)
	cmd.Dir = t.Dir
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // its workers end with it
	cmd.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.Bytes(), err
}

func (r *Runner) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.Log, format, args...)
}
