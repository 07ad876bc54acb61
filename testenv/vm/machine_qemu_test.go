//go:build qemu

// The tests of this file boot real machines. They need QEMU, the first time
// root and a Debian mirror, and minutes: go test -tags qemu -timeout 30m.

package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// testConfig logs to t and uses the cache of everyday use.
func testConfig(t *testing.T) Config {
	t.Helper()
	return Config{Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

// noneLeft fails t if a machine that this process started is there when t ends.
func noneLeft(t *testing.T, cache string) {
	t.Helper()
	cache, err := cacheDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		dirs, err := filepath.Glob(filepath.Join(cache, "run", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range dirs {
			r, err := loadRecord(d)
			if err == nil && hasArgument(r.PID, r.Name) && parent(t, r.PID) == os.Getpid() {
				t.Errorf("the machine %s is left", d)
			}
		}
	})
}

// parent returns the parent of process pid, 0 if pid is gone.
func parent(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "\nPPid:")
	line, _, _ := strings.Cut(after, "\n")
	ppid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return ppid
}

func output(t *testing.T, m *Machine, argv ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	code, err := m.Run(t.Context(), nil, &out, &errs, argv...)
	if err != nil || code != 0 {
		t.Fatalf("%q: status %d, %v: %s", argv, code, err, errs.String())
	}
	return strings.TrimSpace(out.String())
}

func TestRestoresAreAlikeButForTimeAndEntropy(t *testing.T) {
	noneLeft(t, "")
	seen := map[string]bool{}
	for range 10 {
		start := time.Now()
		m, err := Start(t.Context(), testConfig(t))
		if err != nil {
			t.Fatal(err)
		}
		up := time.Since(start)
		if got := output(t, m, "systemctl", "is-active", "containerd"); got != "active" {
			t.Errorf("containerd is %s", got)
		}
		id := output(t, m, "cat", "/proc/sys/kernel/random/uuid")
		if seen[id] {
			t.Errorf("two machines drew the same random number %s", id)
		}
		seen[id] = true
		asked := time.Now()
		seconds, err := time.ParseDuration(output(t, m, "date", "+%s") + "s")
		if err != nil {
			t.Fatal(err)
		}
		// The answer is of some time in between, but for what setting the clock took.
		const slack = 30 * time.Second
		if guest := time.Unix(int64(seconds/time.Second), 0); guest.Before(asked.Add(-slack)) || guest.After(time.Now().Add(slack)) {
			t.Errorf("the guest's clock says %v at %v", guest, asked)
		}
		if err := m.Stop(); err != nil {
			t.Fatal(err)
		}
		t.Logf("start %v, all %v", up, time.Since(start))
	}
}

func TestTwoMachinesAtATimeAreApart(t *testing.T) {
	noneLeft(t, "")
	var wg sync.WaitGroup
	for _, word := range []string{"one", "two"} {
		wg.Go(func() {
			m, err := Start(t.Context(), testConfig(t))
			if err != nil {
				t.Error(err)
				return
			}
			defer m.Stop()
			if _, err := m.Run(t.Context(), strings.NewReader(word), nil, nil, "sh", "-c", "cat >>/root/word"); err != nil {
				t.Error(err)
			}
			var out bytes.Buffer
			if _, err := m.Run(t.Context(), nil, &out, nil, "cat", "/root/word"); err != nil || out.String() != word {
				t.Errorf("read %q, %v", out.String(), err)
			}
		})
	}
	wg.Wait()
}

func TestContextEndsMachineAndCommands(t *testing.T) {
	noneLeft(t, "")
	ctx, cancel := context.WithCancelCause(t.Context())
	m, err := Start(ctx, testConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("why")
	code, err := m.Run(ctx, nil, onWrite(func() { cancel(why) }), nil, "sh", "-c", "echo started; sleep 1000")
	if code != -1 || !errors.Is(err, why) {
		t.Errorf("status %d, %v; want the cause", code, err)
	}
	<-m.proc.done
	if err := m.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := Start(ctx, testConfig(t)); !errors.Is(err, why) {
		t.Errorf("a start with an ended context: %v", err)
	}
}

func TestStartIsGivenUpHalfWay(t *testing.T) {
	noneLeft(t, "")
	cfg := testConfig(t)
	cfg.Cold = true
	why := errors.New("why")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 4*time.Second, why)
	defer cancel()
	if _, err := Start(ctx, cfg); !errors.Is(err, why) {
		t.Errorf("error %v, want the cause", err)
	}
}

func TestGuestThatPanicsIsNoticed(t *testing.T) {
	noneLeft(t, "")
	cfg := testConfig(t)
	cfg.KernelArgs = []string{"rdinit=/none"}
	_, err := Start(t.Context(), cfg)
	boot, ok := errors.AsType[*BootError](err)
	if !ok || !errors.Is(err, ErrDied) {
		t.Fatalf("error %v, want ErrDied", err)
	}
	t.Log(err)
	if said, err := os.ReadFile(boot.Log); err != nil || !bytes.Contains(said, []byte("Kernel panic")) {
		t.Errorf("the log does not tell of the panic: %v\n%s", err, said)
	}
}

func TestGuestThatIsSilentIsGivenUp(t *testing.T) {
	noneLeft(t, "")
	cfg := testConfig(t)
	cfg.KernelArgs = []string{"systemd.mask=ssh.service"}
	cfg.BootTimeout = 90 * time.Second
	_, err := Start(t.Context(), cfg)
	if !errors.Is(err, ErrSilent) {
		t.Fatalf("error %v, want ErrSilent", err)
	}
	t.Log(err)
}

// borrow makes a cache of its own out of the files of the one in everyday use.
func borrow(t *testing.T) (cache, img string) {
	t.Helper()
	if err := Build(t.Context(), testConfig(t)); err != nil {
		t.Fatal(err)
	}
	h, err := readHost(os.DirFS("/"))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := testConfig(t).withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	from, err := h.debian(cfg.Mirror)
	if err != nil {
		t.Fatal(err)
	}
	hash := newRecipe(from).hash()
	cache = t.TempDir()
	img = filepath.Join(cache, "images", hash)
	source := filepath.Join(cfg.Cache, "images", hash)
	err = publish(img, func(tmp string) error {
		for _, name := range []string{kernelName, initrdName, clientKey, hostKey} {
			b, err := os.ReadFile(filepath.Join(source, name))
			if err != nil {
				return err
			}
			write(t, filepath.Join(tmp, name), string(b))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return cache, img
}

func TestGarbageOnTheDisk(t *testing.T) {
	cache, img := borrow(t)
	noneLeft(t, cache)
	write(t, filepath.Join(img, diskName), strings.Repeat("garbage ", 1<<20))
	if err := seal(img); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(t)
	cfg.Cache, cfg.Cold = cache, true
	_, err := Start(t.Context(), cfg)
	if !errors.Is(err, ErrDied) {
		t.Fatalf("error %v, want ErrDied", err)
	}
	t.Log(err)
	if err := os.Truncate(filepath.Join(img, diskName), 1<<20); err != nil {
		t.Fatal(err)
	}
	if _, err = Start(t.Context(), cfg); !errors.Is(err, ErrBroken) {
		t.Errorf("a truncated disk: %v, want ErrBroken", err)
	}
	t.Log(err)
}

func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("mounting a small file system needs root")
	}
	cache := t.TempDir()
	if err := unix.Mount("tmpfs", cache, "tmpfs", 0, "size=32m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(cache, 0); err != nil {
			t.Error("something still uses the cache:", err)
		}
	})
	cfg := testConfig(t)
	cfg.Cache = cache
	_, err := Start(t.Context(), cfg)
	if !errors.Is(err, ErrNoSpace) {
		t.Fatalf("error %v, want ErrNoSpace", err)
	}
	t.Log(err)
}

func TestKeptMachine(t *testing.T) {
	cache, err := cacheDir("")
	if err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(t)
	// Its own cache, as the kept machine of everyday use may be in use: the images are shared.
	cfg.Cache = t.TempDir()
	if err := os.Symlink(filepath.Join(cache, "images"), filepath.Join(cfg.Cache, "images")); err != nil {
		t.Fatal(err)
	}
	noneLeft(t, cfg.Cache)
	t.Cleanup(func() {
		if err := StopKept(context.WithoutCancel(t.Context()), cfg); !errors.Is(err, ErrNotUp) {
			t.Error("the machine was still kept:", err)
		}
	})
	first, err := Up(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	again, err := Up(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if first.Port() != again.Port() {
		t.Errorf("a second Up started another: ports %d and %d", first.Port(), again.Port())
	}
	if err := again.Put(t.Context(), "doc.go", "/root/a/doc"); err != nil {
		t.Fatal(err)
	}
	if got := output(t, first, "head", "-c", "15", "/root/a/doc"); got != "// Package vm r" {
		t.Errorf("read %q", got)
	}
	var out bytes.Buffer
	run := Tests{Packages: []string{"./tier"}, Run: "TestMachine", Out: io.MultiWriter(&out, t.Output())}
	if err := Test(t.Context(), cfg, run); err != nil {
		t.Error(err)
	}
	run.Run = "NoSuchTest"
	if err := Test(t.Context(), cfg, run); !errors.Is(err, ErrTests) {
		t.Errorf("no test ran: %v", err)
	}
	if err := again.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := Attach(t.Context(), cfg); !errors.Is(err, ErrNotUp) {
		t.Errorf("after Stop: %v", err)
	}
}
