package vm

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const stateName = "state" // RAM and devices of a booted machine

const bootTimeout = 5 * time.Minute

// warmUp is run before a machine is saved, so that each restored one has its
// daemon up, what it will run first in memory, and nothing unwritten.
const warmUp = `systemctl start containerd && systemctl is-system-running --wait
modprobe overlay && ctr version && tar --version &&
cat "$(command -v containerd-shim-runc-v2)" "$(command -v runc)" "$(command -v crun)" >/dev/null && sync`

// ensureSnapshot returns the directory of a booted machine's disk and state,
// made if need be. Both fit only the image, QEMU, host and options they were
// made with. The caller holds the exclusive lock.
func (b *base) ensureSnapshot(ctx context.Context) (string, error) {
	facts, err := hostFacts(ctx)
	if err != nil {
		return "", err
	}
	shape := launch{accel: b.accel, memory: b.cfg.MemoryMiB, cpus: b.cfg.CPUs}
	facts = append(append(facts, warmUp), shape.args()...)
	dir := filepath.Join(b.img.dir, "booted-"+digest(facts))
	if checkSeal(dir) == nil {
		return dir, touch(dir)
	}
	if err := checkSpace(b.cfg.Cache, int64(b.cfg.MemoryMiB)+runSpaceMiB); err != nil {
		return "", err
	}
	b.cfg.Log.Info("booting once to save a booted machine", "accelerator", b.accel.option)
	start := time.Now()
	err = publish(dir, func(tmp string) error { return b.save(ctx, tmp) })
	if err != nil {
		return "", err
	}
	b.cfg.Log.Info("saved a booted machine", "took", time.Since(start).Round(time.Second))
	return dir, prune(filepath.Join(b.img.dir, "booted-*"), kept)
}

// save boots a machine in dir, saves it there and ends it.
func (b *base) save(ctx context.Context, dir string) error {
	lock, ok := tryLock(filepath.Join(dir, lockName))
	if !ok {
		return fmt.Errorf("lock %s", dir)
	}
	defer lock.Close()
	m, mon, err := b.run(ctx, dir, lock, "", true)
	if err != nil {
		return b.failure(err, dir)
	}
	defer mon.conn.Close()
	defer m.proc.stop()
	code, err := m.Run(ctx, nil, nil, nil, "sh", "-c", warmUp)
	if err != nil || code != 0 {
		return fmt.Errorf("warm up: exit status %d: %w", code, err)
	}
	m.client.Close() // a connection cannot be restored
	for _, step := range []struct {
		command string
		args    any
	}{
		{"stop", nil},
		{"migrate-set-capabilities", eventsCapability},
		{"migrate-set-parameters", map[string]int64{"max-bandwidth": 1 << 40}},
		{"migrate", map[string]string{"uri": "file:" + filepath.Join(dir, stateName)}},
	} {
		if err := mon.call(ctx, step.command, step.args, nil); err != nil {
			return err
		}
	}
	if err := mon.migrated(ctx); err != nil {
		return err
	}
	m.proc.stop()
	for _, name := range []string{consoleLog, qemuLog, lockName, recordName, clientKey, hostKey} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("tidy a snapshot: %w", err)
		}
	}
	return nil
}

var eventsCapability = map[string]any{
	"capabilities": []map[string]any{{"capability": "events", "state": true}},
}

// load makes a QEMU that was started for it take up the state at path and run.
func load(ctx context.Context, mon *monitor, path string) error {
	if err := mon.call(ctx, "migrate-set-capabilities", eventsCapability, nil); err != nil {
		return err
	}
	if err := mon.call(ctx, "migrate-incoming", map[string]string{"uri": "file:" + path}, nil); err != nil {
		return err
	}
	if err := mon.migrated(ctx); err != nil {
		return err
	}
	return mon.call(ctx, "cont", nil, nil)
}
