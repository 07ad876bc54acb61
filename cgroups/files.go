package cgroups

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// write replaces the content of a file of the kernel's. It never makes one.
func write(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

func words(file string) ([]string, error) {
	b, err := os.ReadFile(file)
	return strings.Fields(string(b)), err
}

// gone reports whether err says that the group is not there: its directory is
// missing, or an open file's group was removed.
func gone(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV)
}
