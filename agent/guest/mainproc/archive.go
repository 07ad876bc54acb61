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
	"syscall"
)

// maxArchive is the largest packed archive, in bytes. What is over it could not
// be stored with the submission anyway (PROTOCOL.md 7.5).
const maxArchive = 32 << 20

var errArchiveSize = fmt.Errorf("/archive is over %d bytes when packed", maxArchive)

// packArchive is the base64 text of a .tgz of a directory (TOOLKIT.md 9.6). It
// leaves no file anywhere and follows no link.
func packArchive(dir string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("pack the archive: %w", err)
	}
	defer root.Close()
	var text bytes.Buffer
	b64 := base64.NewEncoder(base64.StdEncoding, &text)
	z := gzip.NewWriter(b64)
	p := &packer{root: root, tar: tar.NewWriter(z), out: &text, seen: make(map[inode]string)}
	err = fs.WalkDir(root.FS(), ".", p.add)
	if err = errors.Join(err, p.tar.Close(), z.Close(), b64.Close()); err != nil {
		return "", fmt.Errorf("pack the archive: %w", err)
	}
	return text.String(), nil
}

type inode struct{ dev, ino uint64 }

type packer struct {
	root *os.Root
	tar  *tar.Writer
	out  *bytes.Buffer
	seen map[inode]string // files with several names, by their first one
}

// add packs one file. Files that vanish, sockets and devices are left out.
func (p *packer) add(name string, _ fs.DirEntry, err error) error {
	if err != nil {
		return gone(err)
	}
	if p.out.Len() > maxArchive/3*4 {
		return errArchiveSize
	}
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
	if err := p.tar.WriteHeader(h); err != nil {
		return err
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
		f, err := p.root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
		if err != nil {
			return nil, nil, err
		}
		h.Typeflag, h.Size = tar.TypeReg, st.Size()
		return h, f, nil
	default:
		return nil, nil, nil
	}
	return h, nil, nil
}

// gone forgives that a file is not there any more, or has become a link.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		return nil
	}
	return err
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
