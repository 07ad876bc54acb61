package mainproc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/ingot-grading/ingot/agent/guest/feedback"
	"github.com/ingot-grading/ingot/agent/guest/input"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/agent/guest/worker"
)

// writeInput stores the start message for the script: the contents of uploaded
// files in files of their own, all else as JSON (TOOLKIT.md 2.1, 9.2). Bytes in
// any other place are an error: JSON has none.
func (j *job) writeInput(start *pyjson.Object) error {
	dir := filepath.Join(j.root, filepath.Dir(input.Path))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write the input: %w", err)
	}
	if v, ok := start.Get("input"); ok {
		if fields, ok := v.(*pyjson.Object); ok {
			if err := j.writeUploads(fields); err != nil {
				return fmt.Errorf("write an uploaded file: %w", err)
			}
		}
	}
	b, err := pyjson.Append(nil, start)
	if err != nil {
		return fmt.Errorf("write the input: %w", err)
	}
	if err := writeFile(j.root+input.Path, b); err != nil {
		return fmt.Errorf("write the input: %w", err)
	}
	return nil
}

// writeUploads writes the files among fields and leaves their paths there.
func (j *job) writeUploads(fields *pyjson.Object) error {
	n := 0
	for _, id := range fields.Keys() {
		v, _ := fields.Get(id)
		_, value, ok := input.Upload(v)
		upload, _ := v.(*pyjson.Object)
		if !ok || upload.Len() != 2 {
			continue
		}
		path := filepath.Join(filepath.Dir(input.Path), "__inputfile_"+strconv.Itoa(n))
		n++
		var content []byte
		switch value := value.(type) {
		case pyjson.Bytes:
			content = value
		case string:
			content = []byte(value)
		default:
			continue
		}
		if err := writeFile(j.root+path, content); err != nil {
			return err
		}
		upload.Set("value", path)
	}
	return nil
}

// writeFile writes a new file, or an old one anew, but never through a link.
func writeFile(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// prepare makes the directories of a job and gives them to the worker.
func (j *job) prepare() error {
	for _, d := range []string{tmpDir, feedback.Dir, archiveDir, taskDir} { // an image may have none of them
		if err := os.Mkdir(j.root+d, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	if err := writeFile(filepath.Join(j.root, feedback.Dir, feedback.Name), nil); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if err := os.RemoveAll(j.root + taskDir + "/.ssh"); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	for _, d := range []string{tmpDir, taskDir, feedback.Dir, archiveDir} {
		if err := j.worker.open(j.root + d); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	return nil
}

// systemFiles puts the task's hosts and resolv.conf in the place of the
// container's, and lets the worker write to them (TOOLKIT.md 9.2). A task's file
// that cannot be used gives the text of a crash.
func (j *job) systemFiles() (complaint string, err error) {
	for _, f := range worker.SystemFiles {
		if err := f.Apply(j.root); err != nil {
			complaint = "Cannot read/use " + f.Source
			j.log.Warn("system file not used", "file", f.Source, "err", err)
		}
	}
	for _, f := range worker.SystemFiles {
		path := j.root + f.Target
		if err := errors.Join(os.Lchown(path, j.rootUID, j.worker.gid), os.Chmod(path, 0o664)); err != nil {
			return "", fmt.Errorf("open %s: %w", f.Target, err)
		}
	}
	return complaint, nil
}
