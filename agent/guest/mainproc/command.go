package mainproc

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

var errNoCommand = errors.New("the command is empty")

// runType says how a run file with an extension is started.
type runType struct {
	ext     string
	command []string
}

// findCommand chooses what grades the submission (TOOLKIT.md 9.3). An empty
// result without an error means that there is nothing to run.
func (j *job) findCommand(start *pyjson.Object) ([]string, error) {
	if v, _ := start.Get("run_cmd"); v != nil {
		if cmd, ok := v.(string); ok && strings.TrimSpace(cmd) != "" {
			words, err := pytext.Words(cmd)
			if err == nil && len(words) == 0 {
				err = errNoCommand
			}
			return words, err
		}
	}
	types := j.runTypes()
	for _, dir := range []string{taskDir, commonDir, "/course"} {
		run := dir + "/run"
		if _, err := os.Stat(j.root + run); err == nil {
			return []string{run}, nil
		}
		for _, t := range types {
			if _, err := os.Stat(j.root + run + "." + t.ext); err == nil {
				return append(t.command, run+"."+t.ext), nil
			}
		}
	}
	return nil, nil
}

// runTypes are the known extensions in their order. A shell script runs in the
// image's bash, or in its sh if it has no bash.
func (j *job) runTypes() []runType {
	shell := "/bin/bash"
	if _, err := os.Stat(j.root + shell); err != nil {
		shell = "/bin/sh"
	}
	types := []runType{
		{"py", []string{"inginious-ipython"}},
		{"py3", []string{"inginious-ipython"}},
		{"sh", []string{shell}},
	}
	return append(types, j.extraRunTypes(types)...)
}

// program finds the file of a command's first word, and makes it executable if
// it belongs to the task.
func (j *job) program(word string) (string, error) {
	if !strings.Contains(word, "/") {
		return exec.LookPath(word)
	}
	path := word
	if !filepath.IsAbs(path) {
		path = filepath.Join(taskDir, path)
	}
	if strings.HasPrefix(path, taskDir+"/") {
		// The rights of the task were set before; this is for files on top of it.
		if st, err := os.Stat(j.root + path); err == nil && st.Mode()&0o100 == 0 {
			_ = os.Chmod(j.root+path, st.Mode()|0o100) // if this fails, so does its start
		}
	}
	return word, nil
}
