package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// What no agent made is neither swept away nor taken for an agent's at the next try.
func TestForeignState(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"jobs of others": {"state/jobs/cron/daily": "theirs"},
		"a file":         {"state/jobs": "theirs"},
	} {
		t.Run(name, func(t *testing.T) {
			root := tree(t, files)
			state := filepath.Join(root, "state")
			for range 2 {
				d, err := Open(t.Context(), Config{Tasks: root, State: state})
				if !errors.Is(err, ErrForeign) {
					t.Fatalf("opened %v, %v; want ErrForeign", d, err)
				}
			}
			for path := range files {
				if got, err := os.ReadFile(filepath.Join(root, path)); string(got) != "theirs" {
					t.Errorf("%s: %q, %v", path, got, err)
				}
			}
			if _, err := os.Lstat(filepath.Join(state, "lock")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the lock: %v", err)
			}
		})
	}
}

// Whatever else is in a directory, an agent may have it.
func TestStateOfOurOwn(t *testing.T) {
	for _, files := range []map[string]string{{"state/other/x": ""}, {"state/jobs/": ""}, {"state/jobs/": "", "state/lock": ""}} {
		root := tree(t, files)
		for range 2 {
			d, err := Open(t.Context(), Config{Tasks: root, State: filepath.Join(root, "state")})
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// The directory has one path, whatever links lead to it: containers are found again
// by that.
func TestPath(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink("state", link); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, state := range []string{filepath.Join(dir, "state"), link} {
		d, err := Open(t.Context(), Config{Tasks: dir, State: state})
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, d.Path())
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if paths[0] != paths[1] || filepath.Base(paths[0]) != "state" || !filepath.IsAbs(paths[0]) {
		t.Errorf("paths %q", paths)
	}
}
