package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// keptDir is the run directory of the one machine that outlives its starter.
func keptDir(cache string) string { return filepath.Join(cache, "run", "kept") }

// Up returns the kept machine, started if there is none. It runs until
// StopKept; ctx bounds only the start. If it runs already, cfg is not looked at
// but for Cache. Errors are those of Start and Attach.
func Up(ctx context.Context, cfg Config) (*Machine, error) {
	cfg, lock, err := lockKept(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	m, err := Attach(ctx, cfg)
	if !errors.Is(err, ErrNotUp) {
		return m, err
	}
	dir := keptDir(cfg.Cache)
	// What an Up that was killed half-way left would be in the way.
	if err := endKept(ctx, dir); err != nil && !errors.Is(err, ErrNotUp) {
		return nil, err
	}
	b, err := prepare(ctx, cfg, false)
	if err != nil {
		return nil, err
	}
	m, err = b.start(ctx, dir, false)
	if err != nil {
		return nil, err
	}
	if err := saveRecord(dir, image{}, record{Name: m.id, PID: m.proc.pid, Port: m.port, Ready: true}); err != nil {
		return nil, errors.Join(err, m.Stop())
	}
	return m, nil
}

// Attach connects to the kept machine. Of cfg only Cache counts. It returns
// ErrNotUp if none is kept, or one is not ready yet, and ErrSilent if it runs
// but does not answer.
func Attach(ctx context.Context, cfg Config) (*Machine, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	dir := keptDir(cfg.Cache)
	r, err := runningRecord(dir)
	if err != nil {
		return nil, err
	}
	if !r.Ready {
		return nil, fmt.Errorf("%w: it is being started", ErrNotUp)
	}
	m := &Machine{dir: dir, id: r.Name, port: r.Port}
	ctx, cancel := context.WithTimeoutCause(ctx, restoreTimeout, ErrSilent)
	defer cancel()
	if err := m.connect(ctx); err != nil {
		return nil, orCause(ctx, err)
	}
	m.stop = sync.OnceValue(func() error {
		m.client.Close()
		return StopKept(context.WithoutCancel(ctx), cfg)
	})
	return m, nil
}

// StopKept ends the kept machine and waits for its end. ErrNotUp means that
// there was none.
func StopKept(ctx context.Context, cfg Config) error {
	cfg, lock, err := lockKept(ctx, cfg)
	if err != nil {
		return err
	}
	defer lock.Close()
	return endKept(ctx, keptDir(cfg.Cache))
}

func lockKept(ctx context.Context, cfg Config) (Config, *os.File, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return cfg, nil, err
	}
	lock, err := lockFile(ctx, filepath.Join(cfg.Cache, "kept.lock"), unix.LOCK_EX, cfg.Log)
	return cfg, lock, err
}

// runningRecord returns the record in dir if its process lives, else ErrNotUp.
func runningRecord(dir string) (record, error) {
	r, err := loadRecord(dir)
	if err != nil {
		return record{}, err
	}
	if lock, free := tryLock(filepath.Join(dir, lockName)); free {
		lock.Close()
		return record{}, ErrNotUp
	}
	return r, nil
}

// endKept kills the process of the machine in dir and removes the directory.
func endKept(ctx context.Context, dir string) error {
	r, err := runningRecord(dir)
	if errors.Is(err, ErrNotUp) {
		return errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		return err
	}
	// The handle is taken first: what is checked is then what is killed.
	p, err := os.FindProcess(r.PID)
	if err != nil {
		return fmt.Errorf("find the kept machine's process: %w", err)
	}
	defer func() { _ = p.Release() }()
	if !hasArgument(r.PID, r.Name) {
		return fmt.Errorf("process %d is not the kept machine %s", r.PID, r.Name)
	}
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end the kept machine: %w", err)
	}
	// The lock comes free when QEMU is gone.
	lock, err := lockFile(ctx, filepath.Join(dir, lockName), unix.LOCK_EX, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer lock.Close()
	return os.RemoveAll(dir)
}

// hasArgument reports whether process pid was started with the argument arg.
func hasArgument(pid int, arg string) bool {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	return err == nil && slices.ContainsFunc(bytes.Split(b, []byte{0}),
		func(a []byte) bool { return string(a) == arg })
}
