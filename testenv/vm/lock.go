package vm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile waits for a lock on the file at path, made if need be: unix.LOCK_EX
// or unix.LOCK_SH. The lock is given up when the file, and each copy of it that
// a child inherited, is closed.
func lockFile(ctx context.Context, path string, how int, log *slog.Logger) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open a lock: %w", err)
	}
	if flock(f, how|unix.LOCK_NB) == nil {
		return f, nil
	}
	log.Info("waiting for another process", "lock", path)
	got := make(chan error)
	go func() {
		err := flock(f, how) // cannot be interrupted
		select {
		case got <- err:
		case <-ctx.Done(): // the lock comes too late
			f.Close()
		}
	}()
	select {
	case err := <-got:
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		return f, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the lock %s: %w", path, context.Cause(ctx))
	}
}

// tryLock takes a lock that nobody holds; false means that somebody does.
func tryLock(path string) (*os.File, bool) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, false
	}
	if flock(f, unix.LOCK_EX|unix.LOCK_NB) != nil {
		f.Close()
		return nil, false
	}
	return f, true
}

func flock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
