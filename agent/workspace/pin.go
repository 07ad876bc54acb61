package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Mkdir makes the directory rel ("task/…" or "sockets/…") and what is missing
// above it with mode 0777. A directory that is there is left as it is; a link on
// the way is [ErrBadPath].
func (w *Workspace) Mkdir(rel string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	tree, below, err := w.within(rel)
	if err != nil {
		return fmt.Errorf("workspace: mkdir: %w", err)
	}
	dir, err := mkdirs(tree, below)
	if err != nil {
		return fmt.Errorf("workspace: mkdir: %w", err)
	}
	return dir.Close()
}

// Pin opens rel ("task/student", "sockets/x.sock"), following no link, and mounts
// just that directory, regular file or socket where no container can replace
// it. path can be bound into a container until release is called, or Remove; it
// stays what it was whatever becomes of rel. A missing rel is fs.ErrNotExist,
// one that is or passes a link, or is anything else, [ErrBadPath]. release may be
// called again.
func (w *Workspace) Pin(rel string) (path string, release func() error, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if path, err = w.pin(rel); err != nil {
		return "", nil, fmt.Errorf("workspace: pin: %w", err)
	}
	return path, sync.OnceValue(func() error {
		if err := unpin(path); err != nil {
			return fmt.Errorf("workspace: release: %w", err)
		}
		return nil
	}), nil
}

func (w *Workspace) pin(rel string) (string, error) {
	tree, below, err := w.within(rel)
	if err != nil {
		return "", err
	}
	f, err := open(tree, below, unix.O_PATH|unix.O_NOFOLLOW, nowhere)
	if errors.Is(err, unix.ENOTDIR) {
		return "", fmt.Errorf("%q: %w: it passes a file", rel, ErrBadPath)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return "", fmt.Errorf("stat %q: %w", rel, err)
	}
	path := filepath.Join(w.dir, "pins", strconv.FormatInt(w.pins.Add(1), 10))
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		err = os.Mkdir(path, 0o700)
	case unix.S_IFREG, unix.S_IFSOCK:
		err = os.WriteFile(path, nil, 0o600)
	default:
		err = fmt.Errorf("%q is of a kind that is not for binding: %w", rel, ErrBadPath)
	}
	if err != nil {
		return "", err
	}
	if err := bind(f, path); err != nil {
		return "", errors.Join(err, os.Remove(path))
	}
	return path, nil
}

// unpin is no error after Remove.
func unpin(path string) error {
	if err := detach(path); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// within splits rel into one of the job's trees and a path below its top.
func (w *Workspace) within(rel string) (tree *os.File, below string, err error) {
	name, below, _ := strings.Cut(rel, "/")
	tree = w.trees[name]
	switch {
	case w.trees == nil:
		return nil, "", fmt.Errorf("%q: %w", rel, os.ErrClosed)
	case tree == nil || below == "." || filepath.Clean(below) != below || !filepath.IsLocal(below):
		return nil, "", fmt.Errorf("%q: %w", rel, ErrBadPath)
	}
	return tree, below, nil
}
