package tool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ingot-grading/ingot/agent/guest/argparse"
)

// archiveDir is the directory whose content goes back with the result.
const archiveDir = "/archive"

// Archive is archive, with the option names of all versions (TOOLKIT.md 7). It
// never leaves /archive.
func Archive(e *Env) error {
	p := argparse.New(e.Prog)
	add := p.String("-a", "--add", "")
	remove := p.String("-r", "--remove", "")
	subdir := p.String("-s", "--subdir", "")
	p.Alias("--subdir", "-o", "--outsubdir")
	if err := e.Parse(p); err != nil {
		return err
	}
	dir := archiveDir + "/" + *subdir
	if *add != "" {
		if err := e.archiveAdd(*add, dir); err != nil {
			return archiveError(err)
		}
	}
	if *remove != "" {
		if err := e.archiveRemove(dir + "/" + *remove); err != nil {
			return archiveError(err)
		}
	}
	return nil
}

func (e *Env) archiveAdd(file, dir string) error {
	target := dir + "/" + file[strings.LastIndexByte(file, '/')+1:]
	if !inArchive(dir + "/x") {
		return outside(dir)
	}
	_ = os.MkdirAll(e.Root+dir, 0o777) // if this fails, the copy does, and says why
	from, err := os.Stat(e.Path(file))
	if err != nil {
		return at(file, err)
	}
	return e.copy(file, target, from)
}

// copy copies content and permissions, like cp.
func (e *Env) copy(from, to string, info fs.FileInfo) error {
	if st, err := os.Stat(e.Root + to); err == nil && st.IsDir() {
		to += "/" + filepath.Base(from)
	}
	old, err := os.Stat(e.Root + to)
	if err == nil && os.SameFile(old, info) {
		return fmt.Errorf("'%s' and '%s' are the same file", from, to)
	}
	if info.IsDir() {
		return at(from, syscall.EISDIR)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("'%s' is not a regular file", from)
	}
	if err == nil && !old.Mode().IsRegular() { // writing to a pipe may wait for ever
		return fmt.Errorf("'%s' is not a regular file", to)
	}
	src, err := os.Open(e.Path(from))
	if err != nil {
		return at(from, err)
	}
	defer src.Close()
	dst, err := os.OpenFile(e.Root+to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return at(to, err)
	}
	_, err = io.Copy(dst, src)
	err = errors.Join(err, dst.Chmod(info.Mode().Perm()), dst.Close())
	if err != nil {
		return at(to, err)
	}
	return nil
}

func (e *Env) archiveRemove(path string) error {
	if !inArchive(path) {
		return outside(path)
	}
	st, err := os.Lstat(e.Root + path)
	if err != nil {
		return at(path, err)
	}
	if st.IsDir() {
		return at(path, syscall.EISDIR)
	}
	if err := os.Remove(e.Root + path); err != nil {
		return at(path, err)
	}
	return nil
}

func inArchive(path string) bool { return strings.HasPrefix(filepath.Clean(path), archiveDir+"/") }

func outside(path string) error { return fmt.Errorf("'%s' is not in %s", path, archiveDir) }

// at is a system error in Python's words, of the path as the script knows it.
func at(path string, err error) error {
	var no syscall.Errno
	if !errors.As(err, &no) {
		return err
	}
	text := no.Error()
	return fmt.Errorf("[Errno %d] %s: '%s'", int(no), strings.ToUpper(text[:1])+text[1:], path)
}

// archiveError is printed on standard output, as it always was.
func archiveError(err error) error {
	return &exitError{code: 2, stdout: err.Error() + "\n"}
}
