package cgroups

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseMountinfo(t *testing.T) {
	const (
		unified = "33 25 0:28 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
		hybrid  = "41 34 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
		v1      = "39 34 0:36 / /sys/fs/cgroup/memory rw,relatime shared:5 master:3 - cgroup cgroup rw,memory\n"
		partial = "41 34 0:38 /docker/1 /x rw,relatime - cgroup2 cgroup2 rw\n"
	)
	for name, c := range map[string]struct {
		text string
		want place
	}{
		"unified":          {unified, place{mount: "/sys/fs/cgroup"}},
		"hybrid":           {v1 + hybrid, place{mount: "/sys/fs/cgroup/unified", v1: true}},
		"two":              {hybrid + unified, place{mount: "/sys/fs/cgroup"}},
		"version 1":        {v1, place{v1: true}},
		"part of one":      {partial, place{}},
		"none":             {"21 1 8:1 / / rw - ext4 /dev/sda1 rw\n", place{}},
		"empty":            {"", place{}},
		"odd place":        {"1 2 0:3 / /a\\040b\\134\\011c\\0 rw - cgroup2 x rw\n", place{mount: "/a b\\\tc\\0"}},
		"no option fields": {"1 2 0:3 / /c rw - cgroup2 x rw\n", place{mount: "/c"}},
		"cut":              {"1 2 0:3 / /c rw\n1 2 0:3 / - cgroup2\n - cgroup2 x\n - \n-\n", place{}},
		"long line before": {"1 2 0:3 / /o rw - overlay o rw,lowerdir=" + strings.Repeat("/l:", 40000) + "\n" + unified, place{mount: "/sys/fs/cgroup"}},
	} {
		if got, err := parseMountinfo(strings.NewReader(c.text)); got != c.want || err != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestParseOwn(t *testing.T) {
	for text, want := range map[string]string{
		"0::/system.slice/x.service\n":         "/system.slice/x.service",
		"9:memory:/user\n0::/\n":               "/",
		"0::/../x\n":                           "/../x",
		"1:name=systemd:/y\n0::/a:b (deleted)": "/a:b (deleted)",
	} {
		if got, err := parseOwn(strings.NewReader(text)); got != want || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "9:memory:/user\n", "0::x\n", "00::/x"} {
		if _, err := parseOwn(strings.NewReader(text)); !errors.Is(err, ErrHost) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A directory stands for a hierarchy without the controllers.
func TestHostThatDoesNotSuffice(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cgroup.controllers"), []byte("cpu pids\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, v1 := range []bool{false, true} {
		p, err := open(t.Context(), place{mount: dir, own: "/", v1: v1}, Config{})
		if p != nil || !errors.Is(err, ErrHost) || !strings.Contains(err.Error(), "memory") {
			t.Errorf("%v", err)
		}
		if strings.Contains(err.Error(), "version 1") != v1 {
			t.Errorf("with version 1 %t: %v", v1, err)
		}
	}
}

func TestNamesAreOnePathElement(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "memory.max", "a\nb", "a\x00", strings.Repeat("x", 201)} {
		if element(name) {
			t.Errorf("%q is taken", name)
		}
		if _, err := (&Parent{group: &Group{mount: t.TempDir(), path: "/"}}).Job(name, Limits{}); err == nil {
			t.Errorf("%q is a job's", name)
		}
	}
}
