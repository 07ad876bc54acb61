package guest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// TemplateProgram is the program beside this one that does feedback-msg-tpl.
const TemplateProgram = "ingot-template"

// templateCommand is feedback-msg-tpl, done by a program of its own that stands beside
// this one or on PATH. Without it there is an error, and no feedback.
func templateCommand(p Process) int {
	path := filepath.Join(filepath.Dir(p.Args[0]), TemplateProgram)
	if self, err := os.Executable(); err == nil { // needs /proc
		path = filepath.Join(filepath.Dir(self), TemplateProgram)
	}
	if _, err := os.Stat(path); err != nil || !filepath.IsAbs(path) {
		if path, err = exec.LookPath(TemplateProgram); err != nil {
			return passFailed(p, err)
		}
	}
	return passFailed(p, syscall.Exec(path, p.Args, os.Environ()))
}

// python is inginious-ipython: the image's own, if it has one (TOOLKIT.md 10).
func python(p Process) int {
	if len(p.Args) < 2 {
		fmt.Fprintln(p.Stderr, "No file given")
		return 1
	}
	self, err := os.Stat("/proc/self/exe")
	if err != nil {
		return passFailed(p, err)
	}
	name := filepath.Base(p.Args[0])
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/local/bin", "/usr/bin", "/bin") {
		path := filepath.Join(dir, name)
		if st, err := os.Stat(path); err == nil && !st.IsDir() && !os.SameFile(st, self) {
			return passFailed(p, syscall.Exec(path, p.Args, os.Environ()))
		}
	}
	return passFailed(p, fmt.Errorf("this image has no Python for graders: %w", exec.ErrNotFound))
}

// passFailed says why another program could not be called.
func passFailed(p Process, err error) int {
	fmt.Fprintf(p.Stderr, "%s: %v\n", strings.TrimSpace(filepath.Base(p.Args[0])), err)
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return 127
	}
	return 126
}
