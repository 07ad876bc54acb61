package network

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// thisNamespace is the calling thread's network namespace.
const thisNamespace = "/proc/thread-self/ns/net"

// makePin makes the file that a namespace is mounted on. fs.ErrExist if there is
// one.
func makePin(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// pinNamespace makes a network namespace that has only a loopback, and mounts it
// at path, which keeps it.
func pinNamespace(path string) error {
	made := make(chan error, 1)
	go func() {
		made <- inNewNamespace(func() error {
			if err := prepare(); err != nil {
				return err
			}
			return unix.Mount(thisNamespace, path, "", unix.MS_BIND, "")
		})
	}()
	return <-made
}

// inNewNamespace runs do in a network namespace of its own and comes back. If it
// cannot come back the goroutine's thread ends with it.
func inNewNamespace(do func() error) error {
	runtime.LockOSThread()
	home, err := os.Open(thisNamespace)
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("unshare network: %w", err)
	}
	err = do()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		return errors.Join(err, fmt.Errorf("return from network namespace: %w", back))
	}
	runtime.UnlockOSThread()
	return err
}

// prepare sets up the namespace of the calling thread. As in Docker, low ports
// and ping need no privilege. Interfaces that come later have no IPv6.
func prepare() error {
	for _, s := range []struct{ name, value string }{
		{"ipv6/conf/default/disable_ipv6", "1"},
		{"ipv4/ip_unprivileged_port_start", "0"},
		{"ipv4/ping_group_range", "0 2147483647"},
	} {
		if err := sysctl(s.name, s.value); err != nil {
			return err
		}
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find loopback: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("set loopback up: %w", err)
	}
	return nil
}

// sysctl sets a variable below net. One that the kernel does not have is no
// error: it has then no IPv6.
func sysctl(name, value string) error {
	err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// unpinNamespace lets go of the namespace at path. It ends with its last process.
// It is no error if there is none.
func unpinNamespace(path string) error {
	err := unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) { // not mounted, or no such file
		return fmt.Errorf("unmount network namespace: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
