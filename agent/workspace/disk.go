package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"golang.org/x/sys/unix"
)

// disks makes file systems of one size, each in a file without a name. The
// kernel frees all of one when it is unmounted, whatever is in it, and so also
// what an agent that died has left.
type disks struct {
	dir   string // where the files are
	size  int64  // bytes
	empty []extent
}

// extent is a piece of a fresh file system that is not zero.
type extent struct {
	at   int64
	data []byte
}

// blockSize of the file systems, and of the device below.
const blockSize = 4096

// newDisks makes the first one, in dir; the others are copies of the few blocks
// that it has.
func newDisks(ctx context.Context, dir string, bytes, inodes int64) (*disks, error) {
	d := &disks{dir: dir, size: (bytes + blockSize - 1) / blockSize * blockSize}
	first, err := d.file()
	if err != nil {
		return nil, err
	}
	defer first.Close()
	if err := format(ctx, first, inodes); err != nil {
		return nil, err
	}
	d.empty, err = extents(first)
	return d, err
}

// file makes a file of zeros that takes no space.
func (d *disks) file() (*os.File, error) {
	f, err := os.OpenFile(d.dir, os.O_RDWR|unix.O_TMPFILE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(d.size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// format makes a file system without journal: nothing of it is to be recovered.
// What the machine's configuration prefers does not matter.
func format(ctx context.Context, f *os.File, inodes int64) error {
	cmd := exec.CommandContext(ctx, "mke2fs", "-q", "-F", "-b", strconv.Itoa(blockSize), "-I", "256", "-m", "0", "-N", strconv.FormatInt(inodes, 10),
		"-O", "none,filetype,ext_attr,dir_index,dir_nlink,extent,extra_isize,flex_bg,huge_file,large_file,sparse_super,uninit_bg",
		"-E", "lazy_itable_init=1,nodiscard,root_owner=0:0", "/proc/self/fd/3")
	cmd.Env = append(os.Environ(), "MKE2FS_CONFIG=/dev/null")
	cmd.ExtraFiles = []*os.File{f}
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mke2fs (of e2fsprogs): %w: %s", err, said)
	}
	return nil
}

func extents(f *os.File) (all []extent, err error) {
	for end := int64(0); ; {
		at, err := f.Seek(end, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if end, err = f.Seek(at, unix.SEEK_HOLE); err != nil {
			return nil, err
		}
		e := extent{at, make([]byte, end-at)}
		if _, err := f.ReadAt(e.data, at); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
}

// mount mounts a fresh file system at dir.
func (d *disks) mount(dir string) error {
	f, err := d.file()
	if err != nil {
		return err
	}
	defer f.Close()
	for _, e := range d.empty {
		if _, err := f.WriteAt(e.data, e.at); err != nil {
			return err
		}
	}
	device, err := attach(f)
	if err != nil {
		return fmt.Errorf("attach loop device: %w", err)
	}
	defer device.Close() // the mount keeps it, and it goes with the mount
	// No barriers: nobody needs to find any of it after a crash. No zeroing of
	// inode tables: the file has zeros there.
	options := "errors=continue,barrier=0,noinit_itable"
	if err := unix.Mount(device.Name(), dir, "ext4", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOATIME, options); err != nil {
		return fmt.Errorf("mount %s: %w", device.Name(), err)
	}
	return os.Chmod(dir, 0o700)
}

// attach makes f a block device until that is closed and unmounted.
func attach(f *os.File) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	for {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("find a free one: %w", err)
		}
		device, err := openDevice(fmt.Sprintf("/dev/loop%d", n), n)
		if err != nil {
			return nil, err
		}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &unix.LoopConfig{
			Fd: uint32(f.Fd()), Size: blockSize, Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR},
		})
		if err == nil {
			return device, nil
		}
		device.Close()
		if !errors.Is(err, unix.EBUSY) { // somebody else took it meanwhile
			return nil, err
		}
	}
}

// openDevice opens a loop device, whose node may not have been made yet.
func openDevice(name string, n int) (*os.File, error) {
	const major = 7
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if !errors.Is(err, os.ErrNotExist) {
		return f, err
	}
	if err := unix.Mknod(name, unix.S_IFBLK|0o600, int(unix.Mkdev(major, uint32(n)))); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, &os.PathError{Op: "mknod", Path: name, Err: err}
	}
	return os.OpenFile(name, os.O_RDWR, 0)
}
