package workspace

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Errors that say what is wrong with a job, not with this host.
var (
	// ErrID refuses a job, course or task id by its form.
	ErrID = errors.New("bad id")
	// ErrNoTask says that the course or the task does not exist.
	ErrNoTask = errors.New("no such task")
	// ErrBadPath refuses a path that leaves its tree.
	ErrBadPath = errors.New("path leaves its tree")
)

// checkID applies the path rule of PROTOCOL.md 7.1. An id with '/' is a deeper folder.
func checkID(id string) error {
	switch {
	case id == "", strings.Contains(id, ".."), strings.ContainsRune(id, 0), strings.TrimSpace(id) != id:
		return fmt.Errorf("%w: %q", ErrID, id)
	}
	bad := func(part string) bool { return part == "" || part == "." || len(part) > 255 }
	if slices.ContainsFunc(strings.Split(id, "/"), bad) {
		return fmt.Errorf("%w: %q", ErrID, id)
	}
	return nil
}

// source is a course and a task of it, opened. task is nil for a job without one.
type source struct {
	course, task  *os.File
	common        *os.File // nil: the course shares nothing
	commonStudent *os.File // nil: there is no such folder in it
}

func (s *source) close() {
	for _, f := range []*os.File{s.course, s.task, s.common, s.commonStudent} {
		if f != nil {
			f.Close()
		}
	}
}

// openSource finds the directories of a job beneath tasks.
func openSource(tasks string, j Job) (_ *source, err error) {
	s := &source{}
	if j.Course == "" && j.Task == "" {
		return s, nil
	}
	for _, id := range []string{j.Course, j.Task} {
		if err := checkID(id); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.course, err = openCourse(tasks, j.Course); err != nil {
		return nil, fmt.Errorf("course %q: %w", j.Course, missing(err))
	}
	if s.task, err = openDir(s.course, j.Task, inside); err != nil {
		return nil, fmt.Errorf("task %q of course %q: %w", j.Task, j.Course, missing(err))
	}
	if s.common, err = optionalDir(s.course, "$common"); err != nil || s.common == nil {
		return s, err
	}
	s.commonStudent, err = optionalDir(s.course, "$common/student")
	return s, err
}

func openCourse(tasks, id string) (*os.File, error) {
	top, err := os.OpenFile(tasks, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("tasks directory: %w", err)
	}
	defer top.Close()
	first, rest, deeper := strings.Cut(id, "/")
	course, err := openDir(top, first, trusted)
	if err != nil || !deeper {
		return course, err
	}
	defer course.Close()
	return openDir(course, rest, inside)
}

// optionalDir returns nil if there is no such directory.
func optionalDir(course *os.File, name string) (*os.File, error) {
	f, err := openDir(course, name, inside)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s of the course: %w", name, err)
	}
	return f, nil
}

func absent(err error) bool { return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) }

func missing(err error) error {
	if absent(err) {
		return ErrNoTask
	}
	return err
}
