package mainproc

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"
)

// maxArchive is the largest packed archive, in bytes. What is over it could not
// be stored with the submission anyway (PROTOCOL.md 7.5).
const maxArchive = 32 << 20

// maxUnpacked is how many bytes its files may have. Holes in files cost no disk,
// but it takes a core five seconds to pack a GiB of them.
const maxUnpacked = 4 << 30

var (
	errArchiveSize  = errors.New("/archive is too large when packed")
	errUnpackedSize = errors.New("/archive is too large")
)

// packArchive is the base64 text of a .tgz of a directory (TOOLKIT.md 9.6), which
// may have limit bytes. It leaves no file anywhere and follows no link.
func packArchive(dir string, limit int) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("pack the archive: %w", err)
	}
	defer root.Close()
	var text bytes.Buffer
	b64 := base64.NewEncoder(base64.StdEncoding, &text)
	z := gzip.NewWriter(&capped{b64, limit})
	p := &packer{root: root, tar: tar.NewWriter(z), seen: make(map[inode]string), left: maxUnpacked}
	err = p.add(".")
	if err == nil {
		err = errors.Join(p.tar.Close(), z.Close(), b64.Close())
	}
	if err != nil {
		return "", fmt.Errorf("pack the archive: %w", err)
	}
	return text.String(), nil
}

// capped writes as many bytes as are left, so that one large file cannot fill the
// memory.
type capped struct {
	io.Writer
	left int
}

func (c *capped) Write(b []byte) (int, error) {
	if c.left -= len(b); c.left < 0 {
		return 0, errArchiveSize
	}
	return c.Writer.Write(b)
}

type inode struct{ dev, ino uint64 }

type packer struct {
	root *os.Root
	tar  *tar.Writer
	seen map[inode]string // files with several names, by their first one
	left int64            // bytes of files
}

// add packs one file, and what is below it. Files that vanish, sockets and devices are
// left out.
func (p *packer) add(name string) error {
	st, err := p.root.Lstat(name)
	if err != nil {
		return gone(err)
	}
	h, content, err := p.header(name, st)
	if err != nil || h == nil {
		return gone(err)
	}
	if content != nil {
		defer content.Close()
	}
	if p.left -= h.Size; p.left < 0 {
		return errUnpackedSize
	}
	if err := p.tar.WriteHeader(h); err != nil {
		return err
	}
	if h.Typeflag == tar.TypeDir {
		return p.below(name)
	}
	if content == nil {
		return nil
	}
	n, err := io.Copy(p.tar, io.LimitReader(content, h.Size))
	if err == nil && n < h.Size { // the file shrank: the header has promised more
		_, err = io.CopyN(p.tar, zeros{}, h.Size-n)
	}
	return err
}

// below packs what is in a directory, in the order of names: those of io/fs would have
// to be UTF-8.
func (p *packer) below(dir string) error {
	f, err := p.root.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return gone(err)
	}
	names, err := f.Readdirnames(-1)
	f.Close()
	if err != nil {
		return gone(err)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := p.add(path.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// header describes a file, and opens it if its content belongs into the archive.
func (p *packer) header(name string, st fs.FileInfo) (*tar.Header, io.ReadCloser, error) {
	h := &tar.Header{Name: path.Clean(name), Mode: int64(st.Mode().Perm()), ModTime: st.ModTime(), Format: tar.FormatPAX}
	if name == "." {
		h.Name = ""
	}
	sys, _ := st.Sys().(*syscall.Stat_t)
	if sys != nil {
		h.Uid, h.Gid = int(sys.Uid), int(sys.Gid)
	}
	switch st.Mode().Type() {
	case fs.ModeDir:
		h.Typeflag = tar.TypeDir
	case fs.ModeNamedPipe:
		h.Typeflag = tar.TypeFifo
	case fs.ModeSymlink:
		target, err := p.root.Readlink(name)
		h.Typeflag, h.Linkname = tar.TypeSymlink, target
		return h, nil, err
	case 0:
		if sys != nil && sys.Nlink > 1 {
			id := inode{sys.Dev, sys.Ino}
			if first, ok := p.seen[id]; ok {
				h.Typeflag, h.Linkname = tar.TypeLink, first
				return h, nil, nil
			}
			p.seen[id] = h.Name
		}
		f, size, err := p.open(name)
		if f == nil || err != nil {
			return nil, nil, err
		}
		h.Typeflag, h.Size = tar.TypeReg, size
		return h, f, nil
	default:
		return nil, nil, nil
	}
	return h, nil, nil
}

// open opens a file, unless another kind of file has taken its place, such as a
// pipe whose other end says nothing. Then it returns nil.
func (p *packer) open(name string) (f *os.File, size int64, err error) {
	f, err = p.root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, 0, err
	}
	return f, st.Size(), nil
}

// gone forgives that a file is not there any more, or has become a link.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return err
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
