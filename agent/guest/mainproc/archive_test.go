package mainproc

import (
	"archive/tar"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// unpacked is what the archive of a directory has.
func unpacked(t *testing.T, dir string) iter.Seq2[*tar.Header, io.Reader] {
	t.Helper()
	text, err := packArchive(dir, maxArchive)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(*tar.Header, io.Reader) bool) {
		for r := tar.NewReader(z); ; {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !yield(h, r) {
				return
			}
		}
	}
}

func TestArchiveHasAllKindsOfFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a", "text", 0o600)
	write(t, dir+"/d/b", "", 0o600)
	err := errors.Join(os.Chmod(dir+"/a", 0o751), os.Chmod(dir+"/d", 0o700), os.Link(dir+"/a", dir+"/e"),
		unix.Mkfifo(dir+"/p", 0o600), os.Symlink("/etc/hostname", dir+"/s"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for h, r := range unpacked(t, dir) {
		if h.Uid != os.Geteuid() {
			t.Errorf("%s belongs to %d", h.Name, h.Uid)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeSymlink {
			h.Mode = 0 // which it has none of
		}
		got = append(got, fmt.Sprintf("%s %c %o %s%s", h.Name, h.Typeflag, h.Mode, b, h.Linkname))
	}
	want := []string{"a 0 751 text", "d 5 700 ", "d/b 0 600 ", "e 1 751 a", "p 6 600 ", "s 2 0 /etc/hostname"}
	if len(got) == 0 || !slices.Equal(got[1:], want) {
		t.Errorf("got %q, want the directory and %q", got, want)
	}
}

// One file alone can be too large, and is noticed before all of it is in memory.
func TestArchiveThatIsTooLarge(t *testing.T) {
	dir := t.TempDir()
	b := make([]byte, 100_000)
	rand.Read(b)
	write(t, dir+"/a", string(b), 0o600)
	if text, err := packArchive(dir, 99_000); !errors.Is(err, errArchiveSize) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if _, err := packArchive(dir, 110_000); err != nil {
		t.Error(err)
	}
}

// Holes take no space in the archive, but all files together are bounded, before
// the one that is too much is packed.
func TestArchiveOfTooManyHoles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a", "text", 0o600)
	write(t, dir+"/b", "", 0o600)
	if err := os.Truncate(dir+"/b", maxUnpacked-3); err != nil {
		t.Fatal(err)
	}
	if text, err := packArchive(dir, maxArchive); !errors.Is(err, errUnpackedSize) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// A file that becomes a pipe just before it is opened is left out, and keeps
// nobody waiting for what its other end has to say.
func TestArchiveOfAFileThatBecomesAPipe(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	path := root.Name() + "/a"
	write(t, path, "text", 0o600)
	st, err := root.Lstat("a")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(path), unix.Mkfifo(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	end, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	p := &packer{root: root, seen: make(map[inode]string)}
	if h, content, err := p.header("a", st); h != nil || content != nil || err != nil {
		t.Errorf("got %v, %v, %v", h, content, err)
	}
}

// Directories and files may have names that are no text, as archives of other systems
// bring them.
func TestArchiveOfNamesThatAreNoText(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/caf\xe9/\xff", "text", 0o600)
	var got []string
	for h := range unpacked(t, dir) {
		got = append(got, h.Name)
	}
	if want := []string{"", "caf\xe9", "caf\xe9/\xff"}; !slices.Equal(got, want) {
		t.Errorf("archived %q, want %q", got, want)
	}
}
