package native

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// makeGroup makes a cgroup for one run in the host's v2 hierarchy, wherever
// that is mounted: at the usual place, or below it on hybrid hosts.
func makeGroup() (string, error) {
	root := "/sys/fs/cgroup"
	var st unix.Statfs_t
	if err := unix.Statfs(root, &st); err != nil {
		return "", err
	}
	if st.Type != unix.CGROUP2_SUPER_MAGIC {
		root = filepath.Join(root, "unified")
	}
	return os.MkdirTemp(root, "ingot-native-")
}

// removeGroup removes a cgroup and those below it. Its processes have ended.
func removeGroup(path string) error {
	var groups []string
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			groups = append(groups, p)
		}
		return err
	})
	for _, g := range slices.Backward(groups) { // children first
		err = errors.Join(err, os.Remove(g))
	}
	return err
}
