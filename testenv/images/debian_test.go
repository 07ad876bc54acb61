package images

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeDpkg puts a dpkg-query on the PATH that knows three packages and one that
// was removed. Its files are below dir.
func fakeDpkg(t *testing.T, dir string) {
	t.Helper()
	script := `#!/bin/sh
case $1 in
--show) printf '%s\t%s\t%s\t%s\t%s\n' \
	installed python3:amd64 python3 '' ', interpreter (>= 1), gone | lib:any' \
	installed lib:amd64 lib '' ', python3, dpkg' \
	installed sh sh 'interpreter (= 2), shell' ', ' \
	installed dpkg dpkg '' ', ' \
	deinstall gone gone '' ', ' ;;
*) shift; for p; do cat ` + dir + `/lists/${p%:*}; done ;;
esac
`
	err := errors.Join(os.Mkdir(dir+"/bin", 0o755), os.WriteFile(dir+"/bin/dpkg-query", []byte(script), 0o755))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+"/bin:"+os.Getenv("PATH"))
}

func TestDebian(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	fakeDpkg(t, dir)
	for name, text := range map[string]string{
		"lists/python3":                         "/.\n" + dir + "/usr\n" + dir + "/lib/m.py\n" + dir + "/lib/plain.py\ndiverted by x to: y\n",
		"lists/lib":                             dir + "/usr/lib/link\n" + dir + "/not/there\n" + dir + "/usr/lib/left-out\n",
		"lists/sh":                              dir + "/usr/lib/sh\n",
		"usr/lib/m.py":                          "source",
		"usr/lib/plain.py":                      "not compiled",
		"usr/lib/sh":                            "program",
		"usr/lib/__pycache__/m.cpython-312.pyc": "compiled",
		"usr/lib/__pycache__/m.cpython-312.opt-1.pyc": "otherwise",
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	err = errors.Join(os.Chmod(dir+"/usr/lib/sh", 0o755), os.Symlink("m.py", dir+"/usr/lib/link"), os.Symlink("usr/lib", dir+"/lib"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := Debian(t.Context(), "python3")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]File{}
	for _, f := range files {
		if name, ok := strings.CutPrefix(f.Path, dir+"/usr/lib/"); ok {
			got[name] = f
		}
	}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, []string{"link", "m.pyc", "plain.py", "sh"}) {
		t.Errorf("files %v", names)
	}
	if string(got["m.pyc"].Data) != "compiled" || string(got["plain.py"].Data) != "not compiled" || got["sh"].Mode != 0o755 || got["link"].Link != "m.py" {
		t.Errorf("files %+v", got)
	}
	if _, err := Debian(t.Context(), "gone"); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a package that is not installed: %v", err)
	}
}

// Families differ in what they say of themselves, not in what they are made of.
func TestLegacy(t *testing.T) {
	programs, err := LegacyPrograms()
	if err != nil {
		t.Fatal(err)
	}
	old, current := Legacy(F3b, skeleton(), programs), Legacy(F4b, skeleton(), programs)
	a, err := old.layer()
	b, err2 := current.layer()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) {
		t.Error("the layers differ")
	}
	if old.Config.Labels[LabelVersion] != "3" || current.Config.Labels[LabelVersion] != "4" || old.Config.Labels[LabelName] == current.Config.Labels[LabelName] {
		t.Errorf("labels %v and %v", old.Config.Labels, current.Config.Labels)
	}
	if h := unpack(t, a)["usr/local/bin/INGInious"]; h == nil || h.Linkname != "/usr/local/lib/legacy/legacy" {
		t.Errorf("INGInious is %+v", h)
	}
}
