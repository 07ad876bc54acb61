//go:build native

package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A job reaches what the machine reaches, and its published ports are reached
// from everywhere; nothing else of it is.
func TestJob(t *testing.T) {
	n := open(t, Config{})
	a := join(t, n, "job", 22, 8080)
	ip := a.Addresses()[0]
	if len(a.Addresses()) != 1 || !n.config.Subnet.Contains(ip) || a.Gateway() != netip.MustParseAddr("10.217.0.1") {
		t.Fatalf("addresses %v, gateway %v", a.Addresses(), a.Gateway())
	}
	outside := serve(t, neighbours, neighbour+":0")
	hears(t, a.Path(), outside, machine) // masqueraded

	serve(t, a.Path(), ":22")
	other := serve(t, a.Path(), ":0")
	_, otherPort, _ := net.SplitHostPort(other)
	ssh, ok := a.Published(22)
	web, okToo := a.Published(8080)
	if _, no := a.Published(23); !ok || !okToo || no || ssh == web || ssh < DefaultPorts.First || web > DefaultPorts.Last {
		t.Errorf("published at %d and %d", ssh, web)
	}
	published := fmt.Sprintf("%s:%d", machine, ssh)
	hears(t, neighbours, published, neighbour)
	hears(t, "", published, machine)
	hears(t, "", ip.String()+":22", a.Gateway().String())
	hears(t, a.Path(), "127.0.0.1:22", "127.0.0.1") // another container of the job
	hears(t, a.Path(), "[::1]:22", "::1")

	route(t, neighbours, n.config.Subnet, machine)
	deaf(t, neighbours, ip.String()+":22", ip.String()+":"+otherPort, machine+":"+otherPort)
}

// Jobs do not reach each other: not directly, not by the machine, not at
// published ports, not by IPv6.
func TestApart(t *testing.T) {
	n := open(t, Config{})
	a, b := join(t, n, "a", 80), join(t, n, "b")
	serve(t, a.Path(), ":80")
	ip := a.Addresses()[0]
	ext, _ := a.Published(80)
	published := fmt.Sprintf("%s:%d", machine, ext)
	hears(t, neighbours, published, neighbour)
	deaf(t, b.Path(), ip.String()+":80", published, fmt.Sprintf("%v:%d", n.gateway, ext))

	// Another agent's job, and its port.
	other := join(t, open(t, Config{Subnet: netip.MustParsePrefix("10.218.0.0/16"), Ports: Range{64200, 64200}}), "b", 80)
	serve(t, other.Path(), ":80")
	hears(t, neighbours, machine+":64200", neighbour)
	deaf(t, other.Path(), ip.String()+":80", published)
	deaf(t, b.Path(), other.Addresses()[0].String()+":80", machine+":64200")

	for _, j := range []*Attachment{a, b} {
		err := inside(j.Path(), func() error {
			addrs, err := net.InterfaceAddrs()
			for _, addr := range addrs {
				if p, _ := netip.ParsePrefix(addr.String()); p.Addr().Is6() && !p.Addr().IsLoopback() {
					t.Errorf("IPv6 address %v", p)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	// What jobs with more rights could agree on: around by the machine, and IPv6.
	route(t, b.Path(), netip.PrefixFrom(ip, 32), n.gateway.String())
	route(t, a.Path(), netip.PrefixFrom(b.Addresses()[0], 32), n.gateway.String())
	setUpIPv6(t, a.Path(), "fd00::a/64")
	setUpIPv6(t, b.Path(), "fd00::b/64")
	hears(t, a.Path(), "[fd00::a]:80", "fd00::a")
	deaf(t, b.Path(), ip.String()+":80", published, "[fd00::a]:80")
}

// What a job sends in another's name does not leave the machine.
func TestForged(t *testing.T) {
	n := open(t, Config{})
	a := join(t, n, "job")
	var at net.PacketConn
	err := inside(neighbours, func() (err error) {
		at, err = net.ListenPacket("udp", neighbour+":0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	err = inside(a.Path(), func() error {
		if err := setUp("eth0", "198.51.100.7/32"); err != nil {
			return err
		}
		for _, from := range []string{"198.51.100.7", a.Addresses()[0].String()} {
			c, err := (&net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}).Dial("udp", at.LocalAddr().String())
			if err != nil {
				return err
			}
			defer c.Close()
			if _, err := c.Write([]byte("hello")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = at.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, from, err := at.ReadFrom(make([]byte, 100))
	if err != nil || !strings.HasPrefix(from.String(), machine+":") {
		t.Errorf("the first packet that arrives is from %v, %v", from, err)
	}
}

// A job that speaks to everybody does not fill the machine's table of connections,
// which others need.
func TestFlows(t *testing.T) {
	n := open(t, Config{})
	greedy, other := join(t, n, "greedy"), join(t, n, "other")
	there := serve(t, neighbours, ":0")
	_, port, _ := net.SplitHostPort(there)
	hears(t, greedy.Path(), neighbour+":"+port, machine)
	err := inside(greedy.Path(), func() error {
		c, err := net.ListenPacket("udp4", ":0")
		if err != nil {
			return err
		}
		defer c.Close()
		for port := 1; port <= 5000; port++ {
			if _, err := c.WriteTo([]byte("hello"), &net.UDPAddr{IP: net.ParseIP(neighbour), Port: port}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := flows(t); n < 900 || n > 1100 {
		t.Errorf("the machine has %d connections; a job may have %s", n, maxFlows)
	}
	refused(t, greedy, neighbour+":"+port)
	hears(t, other.Path(), neighbour+":"+port, machine)
}

// flows is how many connections are in the machine's table.
func flows(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/net/netfilter/nf_conntrack_count")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Nor does one that ends each connection before the next, though the table keeps
// those for a while. With the job all of them go.
func TestEndedFlows(t *testing.T) {
	n := open(t, Config{})
	other := join(t, n, "other")
	greedy, err := n.Join(t.Context(), "greedy", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(serve(t, neighbours, ":0"))
	before, began := flows(t), time.Now()
	err = inside(greedy.Path(), func() error {
		for range 5000 {
			c, err := net.DialTimeout("tcp4", neighbour+":"+port, 10*time.Second)
			switch {
			case err == nil:
				c.Close()
			case !errors.Is(err, syscall.ECONNREFUSED):
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	most := 1000 + 50*int(time.Since(began).Seconds()+1)
	if n := flows(t) - before; n < 500 || n > most+100 {
		t.Errorf("the machine has %d connections more, want at most %d", n, most)
	}
	hears(t, other.Path(), neighbour+":"+port, machine)
	if err := greedy.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := flows(t) - before; n > 100 {
		t.Errorf("%d connections are left of a job that is gone", n)
	}
}

// setUpIPv6 gives a job an address of IPv6 and waits until it can be used.
func setUpIPv6(t *testing.T, ns, address string) {
	t.Helper()
	changes, done := make(chan netlink.AddrUpdate, 16), make(chan struct{})
	defer close(done)
	err := inside(ns, func() error {
		return errors.Join(netlink.AddrSubscribe(changes, done),
			sysctl("ipv6/conf/eth0/disable_ipv6", "0"), sysctl("ipv6/conf/eth0/accept_dad", "0"), setUp("eth0", address))
	})
	if err != nil {
		t.Fatal(err)
	}
	for c := range changes {
		if c.LinkAddress.String() == address && c.Flags&unix.IFA_F_TENTATIVE == 0 {
			return
		}
	}
	t.Fatal("no address of IPv6")
}

// route sends what is for a subnet by a gateway.
func route(t *testing.T, ns string, to netip.Prefix, by string) {
	t.Helper()
	err := inside(ns, func() error {
		dst, err := netlink.ParseIPNet(to.String())
		if err != nil {
			return err
		}
		return netlink.RouteReplace(&netlink.Route{Dst: dst, Gw: net.ParseIP(by)})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A job's processes cannot speak to what listens on the machine's loopback only.
func TestLoopback(t *testing.T) {
	n := open(t, Config{})
	a := join(t, n, "job", 22)
	local := serve(t, "", "127.0.0.1:0")
	hears(t, "", local, "127.0.0.1")
	for _, name := range []string{n.name, "all", "default"} {
		if got, err := os.ReadFile("/proc/sys/net/ipv4/conf/" + name + "/route_localnet"); err != nil || string(got) != "0\n" {
			t.Errorf("route_localnet of %s is %q, %v", name, got, err)
		}
	}
	deaf(t, a.Path(), local)
}

// What Join makes Remove removes, ports included; what Open makes Close does.
func TestRemove(t *testing.T) {
	state := t.TempDir()
	leases := func(n *Net) string { return filepath.Join(n.leases(), n.name, "10.*") }
	atFirst := traces(t, state)
	n, err := Open(t.Context(), Config{State: state, Ports: Range{64120, 64121}})
	if err != nil {
		t.Fatal(err)
	}
	opened := traces(t, filepath.Join(state, "namespaces"), leases(n))
	a := join(t, n, "a", 22, 80, 80)
	port, _ := a.Published(22)
	if _, err := n.Join(t.Context(), "b", []uint16{22}); !errors.Is(err, ErrNoPorts) {
		t.Errorf("no ports left, and Join says %v", err)
	}
	b := join(t, n, "b")
	if _, err := n.Join(t.Context(), "b", nil); !errors.Is(err, os.ErrExist) {
		t.Errorf("the same id again: %v", err)
	}
	for range 2 { // the second time there is nothing to do
		if err := errors.Join(a.Remove(t.Context()), b.Remove(t.Context())); err != nil {
			t.Error(err)
		}
	}
	same(t, opened, traces(t, filepath.Join(state, "namespaces"), leases(n)))
	c := join(t, n, "a", 22)
	serve(t, c.Path(), ":22")
	if again, _ := c.Published(22); again != port {
		t.Errorf("port %d, want the one that is free for longest, %d", again, port)
	}
	hears(t, neighbours, fmt.Sprintf("%s:%d", machine, port), neighbour)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	after := traces(t, state)
	for _, name := range []string{"lock", "namespaces"} {
		atFirst = append(atFirst, "file "+filepath.Join(state, name))
	}
	same(t, atFirst, after)
}

// A job that cannot be connected leaves nothing, and its ports are free.
func TestJoinFails(t *testing.T) {
	state := t.TempDir()
	n := open(t, Config{State: state, Subnet: netip.MustParsePrefix("10.218.0.0/29")})
	for i := range 5 {
		join(t, n, fmt.Sprint("job", i))
	}
	before := traces(t, filepath.Join(state, "namespaces"))
	if _, err := n.Join(t.Context(), "full", []uint16{22}); err == nil {
		t.Error("six jobs in a network for five")
	}
	if len(n.ports.free) != 11 {
		t.Errorf("%d ports are free", len(n.ports.free))
	}
	for _, id := range []string{"", "..", "a/b", "-x", "a b", string(make([]byte, 300))} {
		if _, err := n.Join(t.Context(), id, nil); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("id %q: %v", id, err)
		}
	}
	same(t, before, traces(t, filepath.Join(state, "namespaces")))
}

// Jobs that come and go at the same time get what they would get alone.
func TestMany(t *testing.T) {
	state := t.TempDir()
	n := open(t, Config{State: state})
	before := traces(t, filepath.Join(state, "namespaces"))
	var (
		wg  sync.WaitGroup
		all [8]*Attachment
	)
	for i := range all {
		wg.Go(func() {
			var err error
			if all[i], err = n.Join(t.Context(), fmt.Sprint("job", i), []uint16{22}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, a := range all {
		if a == nil {
			continue
		}
		serve(t, a.Path(), a.Addresses()[0].String()+":22")
		port, _ := a.Published(22)
		hears(t, neighbours, fmt.Sprintf("%s:%d", machine, port), neighbour)
		wg.Go(func() {
			if err := a.Remove(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	same(t, before, traces(t, filepath.Join(state, "namespaces")))
}
