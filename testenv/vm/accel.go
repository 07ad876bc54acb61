package vm

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// accel is how a guest's CPUs are run.
type accel struct{ option, cpu string }

var (
	kvm = accel{"kvm", "host"}
	tcg = accel{"tcg,thread=multi,tb-size=1024", "max"}
)

const (
	kvmDevice = "/dev/kvm"
	// kvmTrial bounds the trial start; with KVM it takes about a second.
	kvmTrial = 15 * time.Second
)

// chooseAccel returns kvm if a guest runs with it. That a guest does not, even
// with a device that opens, is the rule inside other virtual machines; so it is
// tried once per host, and the answer is kept in the cache.
func chooseAccel(ctx context.Context, img image, cache string, log *slog.Logger) (accel, error) {
	if unix.Access(kvmDevice, unix.R_OK|unix.W_OK) != nil {
		return tcg, nil
	}
	about, err := hostFacts(ctx)
	if err != nil {
		return accel{}, err
	}
	answer := filepath.Join(cache, "kvm-"+digest(about))
	if b, err := os.ReadFile(answer); err == nil {
		if string(b) == "yes" {
			return kvm, nil
		}
		return tcg, nil
	}
	log.Info("trying whether KVM runs a guest")
	works, err := tryKVM(ctx, img, cache)
	if err != nil {
		return accel{}, err
	}
	chosen, word := tcg, "no"
	if works {
		chosen, word = kvm, "yes"
	}
	log.Info("tried KVM", "works", works)
	if err := os.WriteFile(answer, []byte(word), 0o644); err != nil {
		return accel{}, fmt.Errorf("keep whether KVM works: %w", err)
	}
	return chosen, nil
}

// tryKVM boots the image's kernel without a disk. It works if the kernel comes
// to its last step, the panic for want of a root file system, which ends QEMU
// in order. A CPU state that KVM cannot run pauses QEMU instead.
func tryKVM(ctx context.Context, img image, cache string) (bool, error) {
	dir, err := os.MkdirTemp(cache, "kvm-trial-")
	if err != nil {
		return false, fmt.Errorf("make a directory for the KVM trial: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := newOverlay(ctx, img.path(diskName), "raw", dir); err != nil {
		return false, err
	}
	trial, cancel := context.WithTimeoutCause(ctx, kvmTrial, ErrSilent)
	defer cancel()
	lock, ok := tryLock(filepath.Join(dir, lockName))
	if !ok {
		return false, fmt.Errorf("lock %s", dir)
	}
	defer lock.Close()
	l := launch{id: filepath.Base(dir), accel: kvm, memory: 512, cpus: 1, image: img, dir: dir, tied: true,
		kernel: []string{"rdinit=/none", "root=/dev/none", "loglevel=4"}}
	proc, mon, err := l.start(trial, lock)
	if err != nil {
		return false, context.Cause(ctx) // QEMU without KVM is an answer; our own end is not
	}
	defer mon.conn.Close()
	defer proc.stop()
	for {
		ev, err := mon.event(trial)
		if err != nil || ev.Event == "STOP" {
			break
		}
	}
	if err := context.Cause(ctx); err != nil {
		return false, err
	}
	proc.stop()
	said, err := os.ReadFile(filepath.Join(dir, consoleLog))
	if err != nil {
		return false, fmt.Errorf("read the trial's console: %w", err)
	}
	return bytes.Contains(said, []byte("Kernel panic - not syncing")), nil
}

// hostFacts are what the answer of a trial, and a saved state, depend on.
func hostFacts(ctx context.Context) ([]string, error) {
	version, err := qemuVersion(ctx)
	if err != nil {
		return nil, err
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return nil, fmt.Errorf("ask for the kernel's release: %w", err)
	}
	return []string{version, unix.ByteSliceToString(uts.Release[:]), cpuModel()}, nil
}

// cpuModel returns the first CPU's name, family and flags, "" if the kernel does not say.
func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	first, _, _ := bytes.Cut(info, []byte("\n\n"))
	var keep []byte
	for line := range bytes.Lines(first) {
		for _, name := range []string{"model name", "cpu family", "stepping", "flags"} {
			if bytes.HasPrefix(line, []byte(name)) {
				keep = append(keep, line...)
			}
		}
	}
	return string(keep)
}
