package vm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Classes of errors that callers tell apart with errors.Is.
var (
	ErrTools    = errors.New("tools are missing")
	ErrOldQEMU  = errors.New("QEMU is too old")
	ErrNeedRoot = errors.New("root is needed")
	ErrNoMirror = errors.New("no Debian mirror is known")
	ErrNoSpace  = errors.New("not enough disk space")
	ErrPort     = errors.New("port is not free")
	ErrBroken   = errors.New("image is broken")
	ErrDied     = errors.New("machine ended before it was ready")
	ErrSilent   = errors.New("machine did not answer in time")
	ErrNotUp    = errors.New("no machine is kept")
	ErrTests    = errors.New("tests failed")
)

// BootError says why a machine did not come up and where its last words are.
type BootError struct {
	Err  error  // ErrDied, ErrSilent or the cause of the context, wrapped
	Log  string // path of a file with QEMU's messages and the serial console
	Tail string // its last lines
}

func (e *BootError) Error() string {
	return fmt.Sprintf("%v; it said last (all of it is in %s):\n%s", e.Err, e.Log, e.Tail)
}

func (e *BootError) Unwrap() error { return e.Err }

const tailLines = 25

// newBootError saves the logs in the run directory dir before it is removed.
func newBootError(err error, dir, saved string) error {
	var all []byte
	for _, name := range []string{qemuLog, consoleLog} {
		b, readErr := os.ReadFile(filepath.Join(dir, name))
		if readErr != nil {
			return err // it never got as far as having a log
		}
		all = append(all, b...)
	}
	if writeErr := os.WriteFile(saved, all, 0o644); writeErr != nil {
		err = errors.Join(err, writeErr)
	}
	return &BootError{Err: err, Log: saved, Tail: tail(string(all), tailLines)}
}

// control is what a console does besides printing: colours, erasing, moving.
var control = regexp.MustCompile(`\x1b(\[[0-9;?]*[A-Za-z]|[A-Z])`)

// tail returns the last n lines of s that are not blank, indented, as they were
// on the console: a line that began by going up took the place of the one above.
func tail(s string, n int) string {
	var lines []string
	for line := range strings.Lines(s) {
		if strings.HasPrefix(line, "\x1bM") && len(lines) > 0 {
			lines = lines[:len(lines)-1]
		}
		if line = strings.TrimSpace(control.ReplaceAllString(line, "")); line != "" {
			lines = append(lines, "    "+line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
