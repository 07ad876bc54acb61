package cgroups

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Disk is a block device, as the kernel names it: "8:0".
type Disk string

// DiskOf is the disk that the file system of path is on: all of it, as limits are
// not for partitions. A file system that is not on one disk is of class [ErrHost].
func DiskOf(path string) (Disk, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return "", fmt.Errorf("cgroups: disk of %s: %w", path, err)
	}
	return diskOf("/sys/dev/block", fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev)), path)
}

// diskOf looks the device up in sysfs, where a partition is a directory in that
// of its disk.
func diskOf(sysfs, device, path string) (Disk, error) {
	dir, err := filepath.EvalSymlinks(filepath.Join(sysfs, device))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("cgroups: %w: %s is not on a disk of its own", ErrHost, path)
	}
	if err != nil {
		return "", fmt.Errorf("cgroups: disk of %s: %w", path, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "partition")); err == nil {
		dir = filepath.Dir(dir)
	}
	number, err := os.ReadFile(filepath.Join(dir, "dev"))
	if err != nil {
		return "", fmt.Errorf("cgroups: disk of %s: %w", path, err)
	}
	return Disk(strings.TrimSpace(string(number))), nil
}
