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

var errMoved = errors.New("there is a link in the place of a directory")

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

// writeFile writes a new file, or an old one anew. A link, which can only be the
// image's, is replaced.
func writeFile(path string, b []byte) error {
	f, err := create(path)
	if errors.Is(err, syscall.ELOOP) {
		if err = os.Remove(path); err == nil {
			f, err = create(path)
		}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

func create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, 0o644)
}

// prepare makes the directories of a job and gives them to the worker.
func (j *job) prepare() error {
	if err := j.makeDirs(); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if err := writeFile(filepath.Join(j.dirs[feedback.Dir], feedback.Name), nil); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if err := os.RemoveAll(j.dirs[taskDir] + "/.ssh"); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	for _, dir := range j.dirs {
		if err := j.worker.open(dir); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	return nil
}

// makeDirs makes what directories of a job the image does not have, and finds
// where the others really are: an image may have links in their places.
func (j *job) makeDirs() error {
	j.dirs = make(map[string]string)
	for _, d := range []string{tmpDir, feedback.Dir, archiveDir, taskDir} {
		if err := os.Mkdir(j.root+d, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		dir, err := filepath.EvalSymlinks(j.root + d)
		if err != nil {
			return err
		}
		j.dirs[d] = dir
	}
	return nil
}

// left is where a directory of the job really is. No script may have put a link
// in its place: when this is called none is left that still could.
func (j *job) left(d string) (string, error) {
	dir, err := filepath.EvalSymlinks(j.dirs[d])
	if err == nil && dir != j.dirs[d] {
		err = fmt.Errorf("%w: %s", errMoved, d)
	}
	return dir, err
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
		if err := j.share(j.root + f.Target); err != nil {
			return "", fmt.Errorf("open %s: %w", f.Target, err)
		}
	}
	return complaint, nil
}

// share lets the worker write to a file, which the image may have behind a link.
func (j *job) share(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Chown(j.rootUID, j.worker.gid), f.Chmod(0o664), f.Close())
}
