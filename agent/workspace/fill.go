package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// fill makes what the job sees. What it made before an error is removed by Remove.
func (w *Workspace) fill(ctx context.Context, d *disks, from *source) error {
	if err := mountJob(w.dir, d); err != nil {
		return err
	}
	top, err := os.OpenFile(w.dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer top.Close()
	w.Task, w.Sockets = filepath.Join(w.dir, "task"), filepath.Join(w.dir, "sockets")
	if w.trees["sockets"], err = mkdirs(top, "sockets"); err != nil {
		return err
	}
	for _, name := range []string{"files", "pins", "layers", "own"} {
		if err := os.Mkdir(filepath.Join(w.dir, name), 0o700); err != nil {
			return err
		}
	}
	if d != nil {
		if err := d.mount(filepath.Join(w.dir, "own")); err != nil {
			return err
		}
		w.bounded = true
	}
	if err := w.fillTask(ctx, top, from.task); err != nil {
		return fmt.Errorf("task: %w", err)
	}
	if err := w.fillCommon(ctx, top, from); err != nil {
		return fmt.Errorf("$common: %w", err)
	}
	return nil
}

// fillTask mounts the task, and opens it as it is then.
func (w *Workspace) fillTask(ctx context.Context, top, task *os.File) error {
	under, err := mkdirs(top, "task")
	if err != nil || task == nil {
		w.trees["task"] = under
		return err
	}
	defer under.Close()
	upper, err := mkdirs(top, "upper")
	if err != nil {
		return err
	}
	defer upper.Close()
	work, err := mkdirs(top, "work")
	if err != nil {
		return err
	}
	defer work.Close()
	err = overlay(w.Task, task, upper, work)
	if errors.Is(err, errNoOverlay) {
		w.Copied = true
		err = copyTree(ctx, task, under)
	}
	if err != nil {
		return err
	}
	if w.trees["task"], err = os.OpenFile(w.Task, unix.O_PATH|unix.O_DIRECTORY, 0); err != nil {
		return err
	}
	student, err := mkdirs(w.trees["task"], "student")
	if errors.Is(err, ErrBadPath) || absent(err) {
		return nil // a link or a file, with which only student containers cannot work
	}
	if err != nil {
		return err
	}
	return student.Close()
}

// fillCommon shows what the course shares, with a folder student in any case: the
// directory is read only, so that nobody could make one to mount on.
func (w *Workspace) fillCommon(ctx context.Context, top *os.File, from *source) error {
	w.Common, w.CommonStudent = filepath.Join(w.dir, "common"), filepath.Join(w.dir, "student")
	common, err := mkdirs(top, "common")
	if err != nil {
		return err
	}
	defer common.Close()
	student, err := mkdirs(top, "student")
	if err != nil {
		return err
	}
	defer student.Close()
	if from.commonStudent != nil {
		if err := shared(w.CommonStudent, from.commonStudent, student); err != nil {
			return err
		}
		return bind(from.common, w.Common)
	}
	empty, err := mkdirs(top, "empty/student")
	if err != nil {
		return err
	}
	defer empty.Close()
	if from.common == nil {
		w.Common = filepath.Join(w.dir, "empty")
		return nil
	}
	below, err := openDir(top, "empty", nowhere)
	if err != nil {
		return err
	}
	defer below.Close()
	err = union(w.Common, from.common, below)
	if errors.Is(err, errNoOverlay) {
		err = errors.Join(copyTree(ctx, from.common, common), os.MkdirAll(filepath.Join(w.Common, "student"), 0o755))
	}
	return err
}

// shared mounts a directory for all students at dir, of which under is what is
// there before. Read only alone would let them lock and watch the course's own
// files, and write to its FIFOs, and so hold up or spy on each other: an overlay
// has files of its own. Where the kernel refuses it the directory is bound.
func shared(dir string, from, under *os.File) error {
	err := union(dir, from, under)
	if errors.Is(err, errNoOverlay) {
		return bind(from, dir)
	}
	return err
}
