package vm

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestUnpackStaysInside(t *testing.T) {
	entry := func(name string, typ byte, link string) tar.Header {
		return tar.Header{Name: name, Typeflag: typ, Linkname: link, Mode: 0o644, Size: 0}
	}
	for name, entries := range map[string][]tar.Header{
		"parent":          {entry("x/../../out", tar.TypeReg, "")},
		"absolute":        {entry("/out", tar.TypeReg, "")},
		"another name":    {entry("y/out", tar.TypeReg, "")},
		"through a link":  {entry("x/", tar.TypeDir, ""), entry("x/l", tar.TypeSymlink, "../.."), entry("x/l/out", tar.TypeReg, "")},
		"through a link2": {entry("x/", tar.TypeDir, ""), entry("x/l", tar.TypeSymlink, "/tmp"), entry("x/l/out", tar.TypeReg, "")},
	} {
		t.Run(name, func(t *testing.T) {
			var archive bytes.Buffer
			w := tar.NewWriter(&archive)
			for _, h := range entries {
				if err := w.WriteHeader(&h); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			top := t.TempDir()
			write(t, filepath.Join(top, "in", "keep"), "")
			if err := unpack(&archive, "x", filepath.Join(top, "in", "copy")); err == nil {
				t.Error("no error")
			}
			if found, _ := filepath.Glob(filepath.Join(top, "*")); len(found) != 1 {
				t.Errorf("outside there is %q", found)
			}
			if _, err := os.Stat("/tmp/out"); err == nil {
				t.Error("a file came to be in /tmp")
			}
		})
	}
}
