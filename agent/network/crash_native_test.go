//go:build native

package network

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// beVictim has networks for jobs until it is killed.
func beVictim(state string) {
	ctx := context.Background()
	n, err := Open(ctx, Config{State: state})
	if err == nil {
		_, err = n.Join(ctx, "one", []uint16{22})
		_, err2 := n.Join(ctx, "two", nil)
		err = errors.Join(err, err2)
	}
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString("ready\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(n) // and with it the lock
}

// crash has an agent killed while it has networks for jobs.
func crash(t *testing.T, state string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", state)
	cmd.Env = append(os.Environ(), stage+"="+stageVictim)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil { // stays open: the victim waits for its end
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Errorf("the victim says %q, %v", line, err)
	}
	if _, err := Open(t.Context(), Config{State: state}); !errors.Is(err, ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// reboot ends namespaces with all that is in them. The kernel removes the links
// that they had to the machine some time later, and tells so.
func reboot(t *testing.T, pins string, left []string) {
	t.Helper()
	links := map[string]bool{}
	for _, x := range left {
		if name, ok := strings.CutPrefix(x, "link veth"); ok {
			links["veth"+name] = true
		}
	}
	if len(links) != 2 {
		t.Fatalf("links %v, want one for each job", links)
	}
	told, done := make(chan netlink.LinkUpdate), make(chan struct{})
	if err := netlink.LinkSubscribe(told, done); err != nil {
		t.Fatal(err)
	}
	defer func() {
		close(done)
		for range told { // until nobody tells any more
		}
	}()
	for _, id := range []string{"one", "two"} {
		if err := unix.Unmount(filepath.Join(pins, id), unix.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
	}
	for late := time.After(time.Minute); len(links) > 0; {
		select {
		case u := <-told:
			if u.Header.Type == unix.RTM_DELLINK && u.Family == unix.AF_UNSPEC { // not that it left the bridge
				delete(links, u.Attrs().Name)
			}
		case <-late:
			t.Fatalf("links %v are still there", links)
		}
	}
}

// Open removes what a killed agent left, be it after a reboot, and nothing of
// another agent on the machine.
func TestCrash(t *testing.T) {
	for name, rebooted := range map[string]bool{"killed": false, "rebooted": true} {
		t.Run(name, func(t *testing.T) {
			other := open(t, Config{Subnet: netip.MustParsePrefix("10.218.0.0/16"), Ports: Range{64200, 64201}})
			serve(t, join(t, other, "one", 22).Path(), ":22")
			state := t.TempDir()
			n, err := Open(t.Context(), Config{State: state})
			if err != nil {
				t.Fatal(err)
			}
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			pins := filepath.Join(state, "namespaces")
			before := traces(t, pins, state)
			crash(t, state)
			left := slices.DeleteFunc(traces(t, pins, state), func(x string) bool { return slices.Contains(before, x) })
			if len(left) < 10 {
				t.Errorf("the victim left little: %q", left)
			}
			if rebooted {
				reboot(t, pins, left)
			}
			if n, err = Open(t.Context(), Config{State: state}); err != nil {
				t.Fatal(err)
			}
			serve(t, join(t, n, "one", 22).Path(), ":22")
			hears(t, neighbours, machine+":64120", neighbour)
			hears(t, neighbours, machine+":64200", neighbour)
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			same(t, before, traces(t, pins, state))
		})
	}
}

// What this machine cannot do is said before anything is changed.
func TestUnavailable(t *testing.T) {
	before := traces(t)
	for name, c := range map[string]Config{
		"plugins": {Plugins: []string{t.TempDir()}},
		"subnet":  {Subnet: netip.MustParsePrefix("192.0.0.0/16")},
	} {
		c.State = t.TempDir()
		if _, err := Open(t.Context(), c); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if err := Available(nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without iptables: %v", err)
	}
	t.Setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
	if err := Available(nil); err != nil {
		t.Error(err)
	}
	same(t, before, traces(t))
}
