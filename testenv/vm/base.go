package vm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// base is what machines are started from.
type base struct {
	cfg   Config
	img   image
	accel accel
	snap  string   // directory of the snapshot, "" to boot
	lock  *os.File // of the cache; held until the run directory has a lock of its own
}

// prepare makes or finds the image and the snapshot that cfg asks for, with the
// tools they need. The caller closes the lock once it has a run directory, and
// before it starts anything: an image that was just used outlives the start.
// rebuild says that a broken image is to be replaced.
func prepare(ctx context.Context, cfg Config, rebuild bool) (*base, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := checkPort(ctx, cfg.SSHPort); err != nil {
		return nil, err
	}
	lock, err := lockFile(ctx, filepath.Join(cfg.Cache, "lock"), unix.LOCK_EX, cfg.Log)
	if err != nil {
		return nil, err
	}
	b := &base{cfg: cfg, lock: lock}
	if err := b.fill(ctx, rebuild); err != nil {
		lock.Close()
		return nil, orCause(ctx, err)
	}
	return b, nil
}

// fill does prepare's work under the lock.
func (b *base) fill(ctx context.Context, rebuild bool) error {
	h, err := readHost(os.DirFS("/"))
	if err != nil {
		return err
	}
	from, err := h.debian(b.cfg.Mirror)
	if err != nil {
		return err
	}
	r := newRecipe(from)
	build := checkSeal(filepath.Join(b.cfg.Cache, "images", r.hash())) != nil
	if err := ensureTools(ctx, h, from.uri, build, b.cfg.Log); err != nil {
		return err
	}
	if b.img, err = ensureImage(ctx, b.cfg.Cache, r, rebuild, b.cfg.Log); err != nil {
		return err
	}
	if err := b.sweep(); err != nil {
		return err
	}
	if err := checkSpace(b.cfg.Cache, runSpaceMiB); err != nil {
		return err
	}
	if b.accel, err = chooseAccel(ctx, b.img, b.cfg.Cache, b.cfg.Log); err != nil || b.cfg.Cold {
		return err
	}
	b.snap, err = b.ensureSnapshot(ctx)
	return err
}

// sweep removes run directories whose QEMU is gone.
func (b *base) sweep() error {
	dirs, err := filepath.Glob(filepath.Join(b.cfg.Cache, "run", "*"))
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	for _, dir := range dirs {
		lock, ok := tryLock(filepath.Join(dir, lockName))
		if !ok {
			continue
		}
		err := os.RemoveAll(dir)
		lock.Close()
		if err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
	}
	return nil
}

// newOverlay makes an empty disk in dir that shows backing, a file of the given
// format, until it is written to.
func newOverlay(ctx context.Context, backing, format, dir string) error {
	path, ok := findTool("qemu-img")
	if !ok {
		return fmt.Errorf("%w: qemu-img", ErrTools)
	}
	out, err := exec.CommandContext(ctx, path, "create", "-q", "-f", "qcow2",
		"-b", backing, "-F", format, filepath.Join(dir, overlayName)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("make an overlay: %w: %s", err, out)
	}
	return nil
}

// Build makes the image and the snapshot of cfg unless they are in the cache
// and whole. Errors are those of Start.
func Build(ctx context.Context, cfg Config) error {
	b, err := prepare(ctx, cfg, true)
	if err != nil {
		return err
	}
	return b.lock.Close()
}
