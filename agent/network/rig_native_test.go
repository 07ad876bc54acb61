//go:build native

package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

// The tests' own machine is a network namespace with one neighbour.
const (
	machine    = "192.0.2.1"
	neighbour  = "192.0.2.2"
	neighbours = "/var/lib/neighbour" // the neighbour's namespace
)

// stages tells what this program is when it starts itself again.
const (
	stage        = "INGOT_NETWORK_STAGE"
	stageMachine = "machine"
	stageVictim  = "victim" // see TestCrash
)

func TestMain(m *testing.M) {
	switch os.Getenv(stage) {
	case stageMachine:
		if err := setUpMachine(); err != nil {
			fmt.Fprintln(os.Stderr, "set up the tests' machine:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	case stageVictim:
		beVictim(os.Args[1])
	default:
		cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
		cmd.Env = append(os.Environ(), stage+"="+stageMachine)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
		err := cmd.Run()
		if cmd.ProcessState == nil {
			fmt.Fprintln(os.Stderr, "enter namespaces:", err)
			os.Exit(1)
		}
		os.Exit(cmd.ProcessState.ExitCode())
	}
}

// setUpMachine gives the machine a loopback, a neighbour, and a /var/lib of its
// own, as the plugins' library keeps its results there.
func setUpMachine() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "/var/lib", "tmpfs", 0, ""); err != nil {
		return err
	}
	if err := errors.Join(makePin(neighbours), pinNamespace(neighbours)); err != nil {
		return err
	}
	ns, err := os.Open(neighbours)
	if err != nil {
		return err
	}
	defer ns.Close()
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "up"}, PeerName: "up", PeerNamespace: netlink.NsFd(ns.Fd())}
	if err := netlink.LinkAdd(veth); err != nil {
		return err
	}
	if err := exec.Command("iptables", "-P", "FORWARD", "DROP").Run(); err != nil { // as where Docker is
		return err
	}
	// The kernel tells each address only so often that it is refused. Jobs of one test
	// after the other have the same, and none must depend on what was told before.
	if err := os.WriteFile("/proc/sys/net/ipv4/icmp_ratelimit", []byte("0"), 0); err != nil {
		return err
	}
	return errors.Join(setUp("lo", ""), setUp("up", machine+"/24"),
		inside(neighbours, func() error { return setUp("up", neighbour+"/24") }))
}

// setUp sets a link of the calling thread's namespace up, with an address unless
// that is "".
func setUp(name, address string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	if address != "" {
		addr, err := netlink.ParseAddr(address)
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(link, addr); err != nil {
			return err
		}
	}
	return netlink.LinkSetUp(link)
}

// inside runs do in the network namespace at path; "" is the machine's.
func inside(path string, do func() error) error {
	if path == "" {
		return do()
	}
	done := make(chan error, 1)
	go func() {
		done <- func() error {
			runtime.LockOSThread() // for ever: the thread ends with the goroutine
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
				return err
			}
			return do()
		}()
	}()
	return <-done
}

// serve answers connections in a namespace with the address they come from,
// until the test ends, and returns its own address.
func serve(t *testing.T, ns, address string) string {
	t.Helper()
	var l net.Listener
	err := inside(ns, func() (err error) {
		l, err = net.Listen("tcp", address)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, netip.MustParseAddrPort(c.RemoteAddr().String()).Addr().String())
			c.Close()
		}
	}()
	return l.Addr().String()
}

// call connects from a namespace and returns what is answered.
func call(ns, address string, patience time.Duration) (answer string, err error) {
	var c net.Conn
	err = inside(ns, func() (err error) {
		c, err = net.DialTimeout("tcp", address, patience)
		return err
	})
	if err != nil {
		return "", err
	}
	defer c.Close()
	text, err := io.ReadAll(c)
	return string(text), err
}

// hears expects that calls are answered, and that the callee sees them come from
// an address.
func hears(t *testing.T, ns, address, from string) {
	t.Helper()
	if got, err := call(ns, address, 10*time.Second); err != nil || got != from {
		t.Errorf("%s is called from %q (%v), not from %s", address, got, err, from)
	}
}

// deaf expects that nothing gets through. What is dropped is not told, so
// this waits a while. Beside each deaf there is a hears.
func deaf(t *testing.T, ns string, addresses ...string) {
	t.Helper()
	calls := make(chan string)
	for _, a := range addresses {
		go func() {
			_, err := call(ns, a, time.Second/2)
			calls <- map[bool]string{true: a}[err == nil]
		}()
	}
	for range addresses {
		if a := <-calls; a != "" {
			t.Errorf("%s is reached", a)
		}
	}
}

// open opens networks that the end of the test closes.
func open(t testing.TB, c Config) *Net {
	t.Helper()
	tier.Require(t, tier.Native)
	if c.State == "" {
		c.State = t.TempDir()
	}
	c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	n, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// join makes a network that the end of the test removes.
func join(t testing.TB, n *Net, id string, ports ...uint16) *Attachment {
	t.Helper()
	a, err := n.Join(t.Context(), id, ports)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Remove(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return a
}

// traces lists what there is on the machine that networks are made of.
func traces(t *testing.T, dirs ...string) []string {
	t.Helper()
	var all []string
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		all = append(all, "link "+l.Attrs().Name)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		all = append(all, "mount "+strings.Fields(line)[4])
	}
	rules, err := exec.Command("iptables-save").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(rules) {
		rule, _, _ := strings.Cut(strings.TrimSpace(string(line)), " [") // without counters
		chain := strings.HasPrefix(rule, ":") && strings.HasSuffix(rule, " -")
		shared := strings.HasPrefix(rule, ":CNI-HOSTPORT-DNAT ") || strings.HasSuffix(rule, " -j CNI-HOSTPORT-DNAT")
		if (chain || strings.HasPrefix(rule, "-A ")) && !shared { // the kernel's own chains come with their first rule
			all = append(all, "rule "+rule)
		}
	}
	for _, dir := range append(dirs, "/var/lib/cni/results") {
		files, err := filepath.Glob(dir + "/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			all = append(all, "file "+f)
		}
	}
	slices.Sort(all)
	return all
}

// same expects that traces are what they were.
func same(t *testing.T, before, after []string) {
	t.Helper()
	for _, x := range after {
		if !slices.Contains(before, x) {
			t.Errorf("left: %s", x)
		}
	}
	for _, x := range before {
		if !slices.Contains(after, x) {
			t.Errorf("gone: %s", x)
		}
	}
}
