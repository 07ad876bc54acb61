package workspace

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// mountJob makes dir a mount of its own: a fresh file system of d, or else
// itself. Whatever is mounted below later goes with it.
func mountJob(dir string, d *disks) error {
	if d != nil {
		return d.mount(dir)
	}
	if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind job directory: %w", err)
	}
	return nil
}

// overlayOptions are tried in order; older kernels lack the first ones.
//
// Existing graders chown and chmod the whole of /task (PROTOCOL.md 5.4): with
// metacopy that copies no data. redirect_dir makes renaming of folders work as
// in a copy. volatile saves the syncs that nobody needs in a directory that
// never outlives its job.
var overlayOptions = []string{
	",index=off,redirect_dir=on,metacopy=on,volatile", // Linux 5.10
	",index=off,redirect_dir=on,metacopy=on",          // Linux 4.19
	"",
}

// errNoOverlay says that the kernel makes no overlay of these directories.
var errNoOverlay = errors.New("overlay refused")

// overlay mounts an overlay of lower at dir, with upper and work as its writable
// layer. The directories are named by descriptor: nobody can exchange them, and
// no character in their names has a meaning.
func overlay(dir string, lower, upper, work *os.File) error {
	base := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", fdPath(lower), fdPath(upper), fdPath(work))
	for _, more := range overlayOptions {
		if err := mountOverlay(dir, base+more); !errors.Is(err, errNoOverlay) {
			return err
		}
	}
	return errNoOverlay
}

// union mounts a read-only overlay of directories at dir, the first one on top.
func union(dir string, layers ...*os.File) error {
	var paths []string
	for _, f := range layers {
		paths = append(paths, fdPath(f))
	}
	return mountOverlay(dir, "lowerdir="+strings.Join(paths, ":"))
}

func mountOverlay(dir, options string) error {
	err := unix.Mount("ingot", dir, "overlay", unix.MS_NOSUID|unix.MS_NODEV, options)
	// Bad option, file system or combination of them; no such file system; a
	// lower layer that is an overlay on too many others.
	for _, refusal := range []error{unix.EINVAL, unix.ENODEV, unix.EOPNOTSUPP, unix.ELOOP} {
		if errors.Is(err, refusal) {
			return errNoOverlay
		}
	}
	if err != nil {
		return fmt.Errorf("mount overlay: %w", err)
	}
	return nil
}

// bind mounts what f has open, wherever it is and whatever its name now leads
// to, at path: a directory on a directory, anything else on a file.
func bind(f *os.File, path string) error {
	tree, err := unix.OpenTree(int(f.Fd()), "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return fmt.Errorf("clone mount: %w", err)
	}
	defer unix.Close(tree)
	if err := unix.MoveMount(tree, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("attach mount: %w", err)
	}
	return nil
}

// detach takes away every mount at path with all below it. There may be none.
func detach(path string) error {
	for {
		err := unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
			return nil // no mount is left here
		}
		if err != nil {
			return fmt.Errorf("unmount %s: %w", path, err)
		}
	}
}
