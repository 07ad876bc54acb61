//go:build native

package guest

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// build builds a program of this module, as it is shipped.
func build(t testing.TB, dir, pkg string) string {
	t.Helper()
	out := filepath.Join(dir, filepath.Base(pkg))
	c := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "github.com/ingot-grading/ingot/"+pkg)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return out
}

// programs builds ingot-init with its links, and ingot-template beside it.
func programs(t testing.TB) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "bin")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self := build(t, dir, "cmd/ingot-init")
	build(t, dir, "cmd/ingot-template")
	if text, err := exec.Command(self, "--install", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return dir
}

// needRoot fails where the machine cannot run the test: it is asked for by a tag.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root")
	}
}

// The recorded cases on the built program, in a root of its own, as the worker.
func TestBuiltProgramKeepsToRecordedCalls(t *testing.T) {
	needRoot(t)
	bin := programs(t)
	checkTools(t, func(t *testing.T, c toolCase, root string) outcome {
		linkAll(t, bin, root+"/bin")
		give(t, root)
		user := 4242
		if c.User != "" {
			user, _ = strconv.Atoi(c.User)
		}
		var stdout, stderr bytes.Buffer
		cmd := exec.Command("/bin/" + string(c.Cmd[0]))
		for _, a := range c.Cmd[1:] {
			cmd.Args = append(cmd.Args, string(a))
		}
		cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = "/task", bytes.NewReader([]byte(c.Stdin)), &stdout, &stderr
		cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=en_US.UTF-8", "LC_ALL=en_US.UTF-8", "HOME=/task"}
		id := uint32(user)
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: id, Gid: id}}
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return outcome{Exit: cmd.ProcessState.ExitCode(), Stdout: blob(stdout.String()), stderr: stderr.String()}
	})
}

// linkAll makes a directory with the same files.
func linkAll(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Mkdir(to, 0o755); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Link(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

// give gives all files of a case to the worker.
func give(t *testing.T, root string) {
	t.Helper()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, d := range append([]string{"/tmp"}, watched...) {
		err := filepath.WalkDir(root+d, func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return errors.Join(os.Lchown(path, 4242, 4242), os.Chmod(path, 0o777))
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}
