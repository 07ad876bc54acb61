package vm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Names of the files of an image.
const (
	diskName   = "disk.img" // raw ext4
	kernelName = "vmlinuz"
	initrdName = "initrd"
	clientKey  = "key"          // private ssh key of the guest's root
	hostKey    = "host_key.pub" // the guest's public key
)

// kept is how many images stay in the cache, and how many snapshots of an image:
// the one used last, and that of another checkout, another kind of machine, or
// the change that is just being tried.
const kept = 2

// What must be free to build an image, and to run a machine.
const (
	buildSpaceMiB = 3 << 10
	runSpaceMiB   = 512
)

// image is a finished image directory; nothing in it is ever written to.
type image struct{ dir string }

func (i image) path(name string) string { return filepath.Join(i.dir, name) }

// ensureImage returns the image that r makes, built if it is not in the cache.
// A broken one is built again if rebuild says so, else it is an error. The
// caller holds the cache's lock.
func ensureImage(ctx context.Context, cache string, r recipe, rebuild bool, log *slog.Logger) (image, error) {
	img := image{filepath.Join(cache, "images", r.hash())}
	err := checkSeal(img.dir)
	switch {
	case err == nil:
		return img, touch(img.dir)
	case errors.Is(err, ErrBroken) && !rebuild:
		return image{}, fmt.Errorf("%w; the verb build makes it again", err)
	case !errors.Is(err, ErrBroken) && !errors.Is(err, fs.ErrNotExist):
		return image{}, err
	}
	if os.Geteuid() != 0 {
		return image{}, fmt.Errorf("%w to build the disk image, once", ErrNeedRoot)
	}
	if err := checkSpace(cache, buildSpaceMiB); err != nil {
		return image{}, err
	}
	log.Info("building the disk image, this takes a minute or two", "image", img.dir)
	start := time.Now()
	if err := publish(img.dir, func(dir string) error { return r.build(ctx, dir) }); err != nil {
		return image{}, err
	}
	log.Info("built the disk image", "took", time.Since(start).Round(time.Second))
	return img, prune(filepath.Join(cache, "images", "*"), kept)
}

// publish makes dir whole or not at all: fill gets a temporary directory, which
// is sealed and takes dir's place. What an interrupted publish left is removed.
func publish(dir string, fill func(tmp string) error) error {
	tmp := dir + ".part"
	if err := os.RemoveAll(tmp); err != nil {
		return fmt.Errorf("remove an unfinished directory: %w", err)
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	err := fill(tmp)
	if err == nil {
		err = seal(tmp)
	}
	if err == nil {
		err = os.RemoveAll(dir)
	}
	if err == nil {
		err = os.Rename(tmp, dir)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(tmp))
	}
	return nil
}

// prune removes all directories that match pattern but the keep that were used
// last. A running machine has its files open and does not miss them.
func prune(pattern string, keep int) error {
	dirs, err := filepath.Glob(pattern)
	if err != nil {
		return fmt.Errorf("prune: %w", err)
	}
	used := map[string]time.Time{}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("prune: %w", err)
		}
		used[dir] = info.ModTime()
	}
	slices.SortFunc(dirs, func(a, b string) int { return used[b].Compare(used[a]) })
	for _, dir := range dirs[min(keep, len(dirs)):] {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("prune: %w", err)
		}
	}
	return nil
}

// touch notes that dir was used, for prune.
func touch(dir string) error {
	now := time.Now()
	if err := os.Chtimes(dir, now, now); err != nil {
		return fmt.Errorf("note the use of %s: %w", dir, err)
	}
	return nil
}

// checkSpace returns ErrNoSpace if the file system of dir has less than mib free.
func checkSpace(dir string, mib int64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("ask for free space: %w", err)
	}
	if free := int64(st.Bavail) * st.Bsize >> 20; free < mib {
		return fmt.Errorf("%w: %s has %d MiB free, %d are needed", ErrNoSpace, dir, free, mib)
	}
	return nil
}
