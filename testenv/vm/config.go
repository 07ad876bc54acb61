package vm

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Config says which machine to start. The zero value is a good one.
type Config struct {
	// Cache is the directory of images and machines.
	// "" means $INGOT_VM_CACHE, else ingot/vm in the user's cache directory.
	Cache string
	// Mirror is the URL of a Debian mirror. "" means $INGOT_VM_MIRROR, else
	// the one in apt's configuration.
	Mirror string
	// MemoryMiB is the guest's memory in MiB; 0 means 3072.
	MemoryMiB int
	// CPUs is the number of the guest's CPUs; 0 means 2.
	CPUs int
	// SSHPort is the loopback port that leads to the guest's sshd; 0 means one
	// that the OS picks.
	SSHPort int
	// KernelArgs are added to the kernel's command line. They imply Cold.
	KernelArgs []string
	// Cold boots the image rather than restore a snapshot.
	Cold bool
	// BootTimeout bounds the time from QEMU's start to an answering sshd; 0
	// means 5 minutes for a boot and 90 seconds for a restore.
	BootTimeout time.Duration
	// Log hears of each slow step. nil means nobody does.
	Log *slog.Logger
}

// withDefaults fills in what is zero and refuses what cannot work.
func (c Config) withDefaults() (Config, error) {
	c.Mirror = strings.TrimSuffix(cmp.Or(c.Mirror, os.Getenv("INGOT_VM_MIRROR")), "/")
	c.MemoryMiB = cmp.Or(c.MemoryMiB, 3072)
	c.CPUs = cmp.Or(c.CPUs, 2)
	c.Cold = c.Cold || len(c.KernelArgs) > 0
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.MemoryMiB < 512:
		return c, fmt.Errorf("memory of %d MiB is less than 512", c.MemoryMiB)
	case c.CPUs < 1:
		return c, fmt.Errorf("number of CPUs is %d", c.CPUs)
	case c.SSHPort < 0 || c.SSHPort > 65535:
		return c, fmt.Errorf("ssh port %d is not a port", c.SSHPort)
	}
	dir, err := cacheDir(c.Cache)
	c.Cache = dir
	return c, err
}

// cacheDir makes the cache directory. Its path is absolute and without commas,
// which QEMU's options could not hold.
func cacheDir(dir string) (string, error) {
	dir = cmp.Or(dir, os.Getenv("INGOT_VM_CACHE"))
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the cache directory: %w", err)
		}
		dir = filepath.Join(user, "ingot", "vm")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the cache directory: %w", err)
	}
	if strings.ContainsAny(dir, ",\n") {
		return "", fmt.Errorf("cache directory %q has a comma in its name", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the cache directory: %w", err)
	}
	return dir, nil
}
