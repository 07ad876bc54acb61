package guest

import (
	"os"
	"testing"

	"github.com/ingot-grading/ingot/agent/guest/template"
)

// The same cases run on the built program in a root of its own where the machine
// lets us: see conformance_native_test.go.
func TestRecordedCallsOfCommands(t *testing.T) {
	t.Setenv("LC_ALL", "en_US.UTF-8")
	checkTools(t, func(t *testing.T, c toolCase, root string) outcome {
		p := Process{root: root, dir: root + "/task/"}
		for _, a := range c.Cmd {
			p.Args = append(p.Args, string(a))
		}
		in, out, errs := stream(t, root+"/stdin", string(c.Stdin)), stream(t, root+"/stdout", ""), stream(t, root+"/stderr", "")
		p.Stdin, p.Stdout, p.Stderr = in, out, errs
		var o outcome
		if p.Args[0] == template.Command {
			o.Exit = small(template.Run)(p)
		} else {
			o.Exit = Main(p)
		}
		o.Stdout, o.stderr = blob(content(t, out)), content(t, errs)
		return o
	})
}

// stream is a new file with that content, to be read from its start.
func stream(t *testing.T, path, text string) *os.File {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func content(t *testing.T, f *os.File) string {
	t.Helper()
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
