package vm

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrintAndCount(t *testing.T) {
	// As a test binary prints under -test.v=test2json.
	const end = "\x16=== NAME  \n\x16PASS\n"
	const passed = "\x16=== RUN   TestA\n    a_test.go:1: quiet\n\x16--- PASS: TestA (0.00s)\n" + end
	const failed = "\x16=== RUN   TestA\n\x16=== RUN   TestA/sub\n    a_test.go:1: loud\n\x16--- FAIL: TestA/sub (0.00s)\n" +
		"\x16=== NAME  TestA\n\x16--- FAIL: TestA (0.00s)\n\x16=== NAME  \n\x16FAIL\n"
	const skipped = "\x16=== RUN   TestA\n    a_test.go:1: not here\n\x16--- SKIP: TestA (0.00s)\n" + end
	const subSkipped = "\x16=== RUN   TestA\n\x16=== RUN   TestA/sub\n    a_test.go:1: no\n\x16--- SKIP: TestA/sub (0.00s)\n" +
		"\x16=== NAME  TestA\n\x16--- PASS: TestA (0.00s)\n" + end
	const crashed = "\x16=== RUN   TestA\npanic: oh\n\ngoroutine 1 [running]:\n"
	cases := []struct {
		name, output  string
		verbose       bool
		exit          int
		ok            bool
		shown, hidden string
	}{
		{"a pass is quiet", passed, false, 0, true, "", "quiet"},
		{"a pass with -v", passed, true, 0, true, "quiet", "loud"},
		{"a failure is shown", failed, false, 1, false, "loud", "quiet"},
		{"a skip counts as failed", skipped, false, 0, false, "not here", "loud"},
		{"a skipped subtest too", subSkipped, false, 0, false, "", "loud"},
		{"nothing ran", "testing: warning: no tests to run\n\x16PASS\n", false, 0, false, "no tests to run", "PASS"},
		{"a crash", crashed, false, 2, false, "panic: oh", "loud"},
		{"a bad exit after good tests", passed, false, 3, false, "", "quiet"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			in, done, err := Tests{Out: &out, Verbose: c.verbose}.convert(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(in, c.output); err != nil {
				t.Fatal(err)
			}
			if err := in.Close(); err != nil {
				t.Fatal(err)
			}
			s := <-done
			s.exit = c.exit
			if s.ok() != c.ok {
				t.Errorf("ok is %v for %v", s.ok(), s)
			}
			if !strings.Contains(out.String(), c.shown) || strings.Contains(out.String(), c.hidden) {
				t.Errorf("printed %q, want %q and not %q", out.String(), c.shown, c.hidden)
			}
		})
	}
}

func TestBuildRefusesPackagesWithoutTests(t *testing.T) {
	run := Tests{Packages: []string{"./cmd/vm"}, Out: io.Discard}
	if _, err := run.build(t.Context(), t.TempDir()); !errors.Is(err, ErrTests) {
		t.Errorf("a package without tests: %v", err)
	}
	run.Packages = []string{"./none"}
	if _, err := run.build(t.Context(), t.TempDir()); err == nil {
		t.Error("a package that is not there was built")
	}
}

func TestBuildCrossBuildsTests(t *testing.T) {
	dir := t.TempDir()
	pkgs, err := Tests{Packages: []string{"./tier"}, Out: io.Discard}.build(t.Context(), dir)
	if err != nil || len(pkgs) != 1 {
		t.Fatalf("%d packages, %v", len(pkgs), err)
	}
	head := make([]byte, 4)
	f, err := os.Open(pkgs[0].binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.ReadFull(f, head); err != nil || string(head) != "\x7fELF" {
		t.Errorf("the binary begins with %q, %v", head, err)
	}
	if filepath.Base(pkgs[0].Dir) != "tier" {
		t.Errorf("the package is in %s", pkgs[0].Dir)
	}
}

func TestCLI(t *testing.T) {
	t.Setenv("INGOT_VM_CACHE", t.TempDir())
	for _, c := range []struct {
		args     []string
		code     int
		out, err string
	}{
		{nil, 2, "", "usage: vm VERB"},
		{[]string{"fly"}, 2, "", "usage: vm VERB"},
		{[]string{"up", "-no-such-flag"}, 2, "", "no-such-flag"},
		{[]string{"run"}, 2, "", "1 words are missing"},
		{[]string{"put", "a"}, 2, "", "1 words are missing"},
		{[]string{"test", "-run", "x"}, 2, "", "1 words are missing"},
		{[]string{"put", "a", "b"}, 1, "", ErrNotUp.Error()},
		{[]string{"ssh"}, 1, "", ErrNotUp.Error()},
		{[]string{"status"}, 1, "down", ""},
		{[]string{"stop"}, 0, ErrNotUp.Error(), ""},
	} {
		var out, errs bytes.Buffer
		code := CLI(t.Context(), c.args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.err) {
			t.Errorf("vm %q: status %d, output %q, errors %q", c.args, code, out.String(), errs.String())
		}
	}
}
