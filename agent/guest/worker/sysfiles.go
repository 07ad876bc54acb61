package worker

import (
	"errors"
	"io/fs"
	"os"
)

// SystemFile is a file of the container that a task may change.
type SystemFile struct {
	Source, Target string // absolute
	add            bool   // and not replace
}

// SystemFiles are the two there are.
var SystemFiles = [...]SystemFile{
	{"/task/systemfiles/hosts", "/etc/hosts", true},
	{"/task/systemfiles/resolv.conf", "/etc/resolv.conf", false},
}

// Apply adds the task's file to the container's, or replaces it, in the
// container whose root directory is root. A task without such a file changes
// nothing. The text begins on a new line; one that is added also ends with one.
func (f SystemFile) Apply(root string) error {
	text, err := os.ReadFile(root + f.Source)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	text = append([]byte{'\n'}, text...)
	if f.add && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if f.add {
		flags = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	out, err := os.OpenFile(root+f.Target, flags, 0o644)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return errors.Join(err, out.Close())
}
