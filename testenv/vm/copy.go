package vm

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Put copies a file or a tree of the host to the path remote in the guest;
// remote names the copy itself. Folders above it are made; files in its place
// are replaced, others in a folder of that name stay. The copies belong to root
// and keep their modes. A relative remote is below /root.
func (m *Machine) Put(ctx context.Context, local, remote string) error {
	dir, name := path.Split(path.Clean(remote))
	r, w := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		err := pack(w, local, name)
		_ = w.CloseWithError(err)
		packed <- err
	}()
	var said bytes.Buffer
	script := quote([]string{"mkdir", "-p", "./" + dir}) + " && exec " + quote([]string{"tar", "-x", "-C", "./" + dir})
	if path.IsAbs(remote) {
		script = strings.ReplaceAll(script, "'./", "'")
	}
	code, err := m.run(ctx, r, nil, &said, script)
	_ = r.Close() // ends pack if the guest ended first
	err = errors.Join(err, ignore(<-packed, io.ErrClosedPipe))
	if err == nil && code != 0 {
		err = fmt.Errorf("tar: exit status %d: %s", code, bytes.TrimSpace(said.Bytes()))
	}
	if err != nil {
		return fmt.Errorf("put %s: %w", local, err)
	}
	return nil
}

// Get copies a file or a tree of the guest to the path local on the host; local
// names the copy itself, and the folder above it must be there. Modes are kept,
// owners are not. Nothing is written outside of local, whatever the guest sends.
func (m *Machine) Get(ctx context.Context, remote, local string) error {
	dir, name := path.Split(path.Clean(remote))
	if dir == "" {
		dir = "."
	}
	r, w := io.Pipe()
	unpacked := make(chan error, 1)
	go func() {
		err := unpack(r, name, local)
		_ = r.CloseWithError(err)
		unpacked <- err
	}()
	var said bytes.Buffer
	code, err := m.run(ctx, nil, w, &said, quote([]string{"tar", "-c", "-C", dir, "--", name}))
	_ = w.Close()
	unpackErr := <-unpacked
	switch {
	case err == nil && code != 0:
		err = fmt.Errorf("tar: exit status %d: %s", code, bytes.TrimSpace(said.Bytes()))
	case err == nil:
		err = unpackErr
	}
	if err != nil {
		return fmt.Errorf("get %s: %w", remote, err)
	}
	return nil
}

func ignore(err, target error) error {
	if errors.Is(err, target) {
		return nil
	}
	return err
}

// pack writes the file or tree at local as a tar archive in which it is called name.
func pack(w io.Writer, local, name string) error {
	out := tar.NewWriter(w)
	err := filepath.WalkDir(local, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(local, file)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && file == local {
			info, err = os.Stat(local) // what the caller names may be a link
		}
		if err != nil {
			return err
		}
		return packOne(out, file, path.Join(name, filepath.ToSlash(below)), info)
	})
	if err != nil {
		return err
	}
	return out.Close()
}

func packOne(out *tar.Writer, file, name string, info fs.FileInfo) error {
	var target string
	if info.Mode()&fs.ModeSymlink != 0 {
		var err error
		if target, err = os.Readlink(file); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return err
	}
	h.Name, h.Uid, h.Gid, h.Uname, h.Gname = name, 0, 0, "", ""
	if err := out.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(out, f)
	return err
}

// unpack reads a tar archive of the entry called name into local.
func unpack(r io.Reader, name, local string) error {
	local, err := filepath.Abs(local)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(filepath.Dir(local))
	if err != nil {
		return err
	}
	defer root.Close()
	in := tar.NewReader(r)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, r) // tar pads its last block
			return err
		}
		if err != nil {
			return err
		}
		first, rest, _ := strings.Cut(path.Clean(h.Name), "/")
		if first != name || !filepath.IsLocal(path.Join(name, rest)) {
			return fmt.Errorf("the archive holds %q", h.Name)
		}
		if err := unpackOne(root, path.Join(filepath.Base(local), rest), h, in); err != nil {
			return err
		}
	}
}

func unpackOne(root *os.Root, to string, h *tar.Header, in io.Reader) error {
	mode := h.FileInfo().Mode()
	switch h.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(to, mode.Perm()|0o700)
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, to)
	case tar.TypeReg:
		f, err := root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode.Perm())
		if err != nil {
			return err
		}
		_, err = io.Copy(f, in)
		return errors.Join(err, f.Chmod(mode.Perm()), f.Close())
	}
	return nil // sockets and devices stay where they are
}
