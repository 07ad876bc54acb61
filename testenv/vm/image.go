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

// keptImages is how many images stay in the cache: the one used last, and that
// of another checkout or of the change that is just being tried.
const keptImages = 2

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
		now := time.Now()
		if err := os.Chtimes(img.dir, now, now); err != nil {
			return image{}, fmt.Errorf("mark the image as used: %w", err)
		}
		return img, nil
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
	return img, prune(filepath.Dir(img.dir), keptImages)
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

// prune removes all but the keep directories that were used last. A running
// machine has its files open and does not miss them.
func prune(dir string, keep int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("prune: %w", err)
	}
	var infos []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return fmt.Errorf("prune: %w", err)
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, info := range infos[min(keep, len(infos)):] {
		if err := os.RemoveAll(filepath.Join(dir, info.Name())); err != nil {
			return fmt.Errorf("prune: %w", err)
		}
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
