package vm

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// restoreTimeout is long because others may be using the host's CPUs.
const restoreTimeout = 90 * time.Second

// Start starts a machine that ends with ctx, with Stop or with this process,
// whichever comes first. What it needs is made first, which takes minutes the
// first time and needs root once.
//
// Errors are ErrTools, ErrOldQEMU, ErrNeedRoot, ErrNoMirror, ErrNoSpace,
// ErrPort, ErrBroken, a *BootError around ErrDied or ErrSilent, the cause of
// ctx, or others of the system. With an error nothing is left running.
func Start(ctx context.Context, cfg Config) (*Machine, error) {
	b, err := prepare(ctx, cfg, false)
	if err != nil {
		return nil, err
	}
	return b.start(ctx, filepath.Join(b.cfg.Cache, "run", newID()), true)
}

// start starts a machine in the new directory dir and gives up the cache's
// lock; tied means that it ends with ctx and this process.
func (b *base) start(ctx context.Context, dir string, tied bool) (*Machine, error) {
	lock, err := newRunDir(dir)
	b.lock.Close()
	if err != nil {
		return nil, err
	}
	// QEMU holds the lock from here on.
	defer lock.Close()
	m, err := b.restoreOrBoot(ctx, dir, lock, tied)
	if err != nil {
		return nil, errors.Join(b.failure(err, dir), os.RemoveAll(dir))
	}
	unhook := func() bool { return true }
	if tied {
		unhook = context.AfterFunc(ctx, m.proc.kill)
	}
	m.stop = sync.OnceValue(func() error {
		unhook()
		m.client.Close()
		m.proc.stop()
		return os.RemoveAll(dir)
	})
	return m, nil
}

// newRunDir makes a run directory and takes its lock. The caller holds that of
// the cache, or the new directory might be swept away before it is locked.
func newRunDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a run directory: %w", err)
	}
	lock, ok := tryLock(filepath.Join(dir, lockName))
	if !ok {
		return nil, fmt.Errorf("the run directory %s is in use", dir)
	}
	return lock, nil
}

// failure adds what the machine in dir said to an error of its start.
func (b *base) failure(err error, dir string) error {
	return newBootError(err, dir, filepath.Join(b.cfg.Cache, "last-failure.log"))
}

func (b *base) restoreOrBoot(ctx context.Context, dir string, lock *os.File, tied bool) (*Machine, error) {
	m, mon, err := b.run(ctx, dir, lock, b.snap, tied)
	if err != nil && b.snap != "" && ctx.Err() == nil {
		b.cfg.Log.Warn("restore failed, booting instead", "err", err)
		if err := os.RemoveAll(b.snap); err != nil {
			return nil, fmt.Errorf("remove a snapshot that fails: %w", err)
		}
		m, mon, err = b.run(ctx, dir, lock, "", tied)
	}
	if err != nil {
		return nil, err
	}
	return m, mon.conn.Close()
}

// run starts QEMU in dir, from the snapshot snap or from power-on if that is
// "", and returns when the guest's sshd answers. After an error QEMU has ended.
func (b *base) run(ctx context.Context, dir string, lock *os.File, snap string, tied bool) (*Machine, *monitor, error) {
	limit, backing, format := bootTimeout, b.img.path(diskName), "raw"
	if snap != "" {
		limit, backing, format = restoreTimeout, filepath.Join(snap, overlayName), "qcow2"
	}
	limit = cmp.Or(b.cfg.BootTimeout, limit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%w (%s)", ErrSilent, limit))
	defer cancel()
	if err := newOverlay(ctx, backing, format, dir); err != nil {
		return nil, nil, err
	}
	l := launch{id: newID(), accel: b.accel, memory: b.cfg.MemoryMiB, cpus: b.cfg.CPUs, port: b.cfg.SSHPort,
		image: b.img, dir: dir, kernel: b.cfg.KernelArgs, incoming: snap != "", tied: tied}
	proc, mon, err := l.start(ctx, lock)
	if err != nil {
		return nil, nil, err
	}
	m := &Machine{dir: dir, proc: proc, id: l.name()}
	if err := m.come(ctx, b.img, mon, snap); err != nil {
		proc.stop()
		mon.conn.Close()
		return nil, nil, err
	}
	return m, mon, nil
}

// come follows a QEMU that has just been started until its guest answers.
func (m *Machine) come(ctx context.Context, img image, mon *monitor, snap string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-m.proc.done:
			cancel(fmt.Errorf("%w: QEMU: %w", ErrDied, exitError(m.proc.err)))
		case <-ctx.Done():
		}
	}()
	err := m.keep(ctx, img, mon)
	if err == nil && snap != "" {
		err = load(ctx, mon, filepath.Join(snap, stateName))
	}
	if err == nil {
		err = m.connect(ctx)
	}
	if err == nil && snap != "" {
		err = m.refresh(ctx)
	}
	return orCause(ctx, err)
}

// keep writes down what Attach needs to find the machine.
func (m *Machine) keep(ctx context.Context, img image, mon *monitor) error {
	port, err := mon.sshPort(ctx)
	if err != nil {
		return err
	}
	m.port = port
	return saveRecord(m.dir, img, record{Name: m.id, PID: m.proc.pid, Port: port})
}

var errRebooted = errors.New("it stopped in order, as it does when the guest panics or reboots")

func exitError(err error) error {
	if err == nil {
		return errRebooted
	}
	return err
}

func newID() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
