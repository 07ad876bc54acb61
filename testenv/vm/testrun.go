package vm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

// Tests says which tests to run in the machine.
type Tests struct {
	Packages []string      // patterns as of the go command, seen from the working directory
	Run      string        // regular expression as of go test -run; "" runs all
	Verbose  bool          // print all output, not only that of failures
	Env      []string      // variables for the tests, NAME=VALUE
	Timeout  time.Duration // of one package; 0 means 10 minutes
	Out      io.Writer     // output and summary
}

// Acquire returns the kept machine, else one that is started for the caller and
// ends with ctx. release lets go of the first and ends the second.
func Acquire(ctx context.Context, cfg Config) (m *Machine, release func() error, err error) {
	m, err = Attach(ctx, cfg)
	if err == nil {
		return m, func() error { m.Close(); return nil }, nil
	}
	if !errors.Is(err, ErrNotUp) {
		return nil, nil, err
	}
	if m, err = Start(ctx, cfg); err != nil {
		return nil, nil, err
	}
	return m, m.Stop, nil
}

// Test builds the tests of each package for the tier vm, runs them as root in
// the kept machine or in one of their own, in a folder with the package's
// testdata, and prints their output as they run and a summary. The error is
// ErrTests if a test failed, was skipped, or a package ran none.
func Test(ctx context.Context, cfg Config, t Tests) error {
	if t.Timeout == 0 {
		t.Timeout = 10 * time.Minute
	}
	bins, err := os.MkdirTemp("", "ingot-vm-test-")
	if err != nil {
		return fmt.Errorf("make a directory for test binaries: %w", err)
	}
	defer os.RemoveAll(bins)
	pkgs, err := t.build(ctx, bins)
	if err != nil {
		return err
	}
	m, release, err := Acquire(ctx, cfg)
	if err != nil {
		return err
	}
	bad, err := t.runAll(ctx, m, pkgs)
	err = errors.Join(err, release())
	if err == nil && bad > 0 {
		err = fmt.Errorf("%w: %d of %d packages", ErrTests, bad, len(pkgs))
	}
	return err
}

// testPackage is a package whose tests were built.
type testPackage struct {
	ImportPath, Dir           string
	TestGoFiles, XTestGoFiles []string
	binary                    string
}

// build builds each package's tests into dir. A package without test files is
// an error: a pattern that finds nothing to run must not look like success.
func (t Tests) build(ctx context.Context, dir string) ([]testPackage, error) {
	list := exec.CommandContext(ctx, "go", append([]string{"list", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles", "-tags=vm", "--"}, t.Packages...)...)
	list.Stderr = t.Out
	list.Env = guestEnv()
	out, err := list.Output()
	if err != nil {
		return nil, orCause(ctx, fmt.Errorf("list packages: %w", err))
	}
	var pkgs []testPackage
	for in := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p testPackage
		err := in.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("list packages: %w", err)
		}
		if len(p.TestGoFiles)+len(p.XTestGoFiles) == 0 {
			return nil, fmt.Errorf("%w: %s has no test files", ErrTests, p.ImportPath)
		}
		p.binary = filepath.Join(dir, fmt.Sprintf("%d.test", len(pkgs)))
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-tags=vm", "-ldflags=-s -w", "-o", p.binary, p.ImportPath)
		cmd.Env = guestEnv()
		cmd.Stdout, cmd.Stderr = t.Out, t.Out
		if err := cmd.Run(); err != nil {
			return nil, orCause(ctx, fmt.Errorf("build the tests of %s: %w", p.ImportPath, err))
		}
		pkgs = append(pkgs, p)
	}
	return pkgs, nil
}

func guestEnv() []string {
	return append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
}

// runAll runs the packages one after the other and returns how many failed.
func (t Tests) runAll(ctx context.Context, m *Machine, pkgs []testPackage) (bad int, err error) {
	for _, p := range pkgs {
		start := time.Now()
		sum, err := t.runOne(ctx, m, p)
		if err != nil {
			return bad, err
		}
		verdict := "ok  "
		if !sum.ok() {
			verdict = "FAIL"
			bad++
		}
		fmt.Fprintf(t.Out, "%s\t%s\t%.1fs\t%s\n", verdict, p.ImportPath, time.Since(start).Seconds(), sum)
	}
	return bad, nil
}

// runOne runs one package's tests in a fresh folder of the guest.
func (t Tests) runOne(ctx context.Context, m *Machine, p testPackage) (summary, error) {
	base := path.Join("/var/tmp/ingot-test", newID())
	dir := path.Join(base, p.ImportPath)
	defer func() {
		tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), killGuest)
		defer cancel()
		_, _ = m.Run(tidy, nil, nil, nil, "rm", "-rf", base) // in a machine that is about to end it may fail
	}()
	if err := m.Put(ctx, p.binary, path.Join(dir, "ingot.test")); err != nil {
		return summary{}, err
	}
	data := filepath.Join(p.Dir, "testdata")
	if _, err := os.Stat(data); err == nil {
		if err := m.Put(ctx, data, path.Join(dir, "testdata")); err != nil {
			return summary{}, err
		}
	}
	args := append([]string{"env", "-C", dir, tier.Variable + "=" + string(tier.VM)}, t.Env...)
	args = append(args, "./ingot.test", "-test.v=test2json", "-test.paniconexit0", "-test.timeout="+t.Timeout.String())
	if t.Run != "" {
		args = append(args, "-test.run="+t.Run)
	}
	out, events, err := t.convert(ctx)
	if err != nil {
		return summary{}, err
	}
	code, err := m.Run(ctx, nil, out, out, args...)
	_ = out.Close()
	got := <-events
	if err != nil {
		return summary{}, err
	}
	got.exit = code
	return got, nil
}
