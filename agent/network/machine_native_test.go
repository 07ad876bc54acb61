//go:build native

package network

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// What no job reaches, beside the machine.
var metadata = []string{"169.254.169.254", "100.100.100.200"}

// refused expects that a job is told no, and at once.
func refused(t *testing.T, a *Attachment, addresses ...string) {
	t.Helper()
	for _, to := range addresses {
		if _, err := call(a.Path(), to, 10*time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: %v, want a refusal", to, err)
		}
	}
}

// A job is refused by the machine, whichever of its addresses it tries and
// whatever it sends, by services that the machine has elsewhere, and by what
// serves metadata in clouds.
func TestMachine(t *testing.T) {
	a := join(t, open(t, Config{}), "job")
	_, port, _ := net.SplitHostPort(serve(t, "", ":0"))
	outside := serve(t, neighbours, ":0")
	_, far, _ := net.SplitHostPort(outside)
	hears(t, neighbours, machine+":"+port, neighbour)
	for _, to := range metadata {
		reachableAt(t, to)
		hears(t, "", to+":"+far, machine)
		refused(t, a, to+":"+far)
	}
	translated := "PREROUTING -d " + machine + " -p tcp --dport 8088 -j DNAT --to-destination " + neighbour + ":" + far
	change(t, "-t nat -A "+translated)
	t.Cleanup(func() { change(t, "-t nat -D "+translated) })
	refused(t, a, machine+":"+port, a.Gateway().String()+":"+port, machine+":53")
	if _, err := call(a.Path(), machine+":8088", 10*time.Second); !errors.Is(err, syscall.EHOSTUNREACH) {
		t.Errorf("a translated port: %v, want a refusal", err)
	}
	hears(t, a.Path(), neighbour+":"+far, machine)

	for _, to := range append([]string{machine}, metadata...) {
		for _, network := range []string{"udp", "icmp"} {
			if err := ask(a, network, to); !errors.Is(err, syscall.EHOSTUNREACH) {
				t.Errorf("%s to %s: %v, want a refusal", network, to, err)
			}
		}
	}
	if err := ask(a, "icmp", neighbour); err != nil {
		t.Errorf("ping outside: %v", err)
	}
}

// reachableAt gives the neighbour another address that the machine finds.
func reachableAt(t *testing.T, address string) {
	t.Helper()
	if err := inside(neighbours, func() error { return setUp("up", address+"/32") }); err != nil {
		t.Fatal(err)
	}
	to := netip.PrefixFrom(netip.MustParseAddr(address), 32)
	route(t, "", to, neighbour)
	t.Cleanup(func() {
		dst, _ := netlink.ParseIPNet(to.String())
		addr, _ := netlink.ParseAddr(to.String())
		err := inside(neighbours, func() error {
			link, err := netlink.LinkByName("up")
			return errors.Join(err, netlink.AddrDel(link, addr))
		})
		if err := errors.Join(err, netlink.RouteDel(&netlink.Route{Dst: dst})); err != nil {
			t.Error(err)
		}
	})
}

// change changes the machine's rules.
func change(t *testing.T, words string) {
	t.Helper()
	if out, err := exec.Command("iptables", strings.Fields(words)...).CombinedOutput(); err != nil {
		t.Fatalf("iptables %s: %v: %s", words, err, out)
	}
}

// ask sends an echo request, by the protocol for that or to its port of UDP, and
// returns what becomes of it.
func ask(a *Attachment, network, address string) error {
	protocol := map[string]int{"udp": unix.IPPROTO_UDP, "icmp": unix.IPPROTO_ICMP}[network]
	var s int
	err := inside(a.Path(), func() (err error) {
		s, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, protocol)
		return err
	})
	if err != nil {
		return err
	}
	defer unix.Close(s)
	wait := unix.NsecToTimeval(int64(10 * time.Second))
	if err := errors.Join(unix.SetsockoptTimeval(s, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait),
		unix.Connect(s, &unix.SockaddrInet4{Addr: netip.MustParseAddr(address).As4(), Port: 7})); err != nil {
		return err
	}
	if _, err := unix.Write(s, []byte{8, 0, 0, 0, 0, 0, 0, 1}); err != nil {
		return err
	}
	_, err = unix.Read(s, make([]byte, 100))
	return err
}

// Frames of a job's own making get no further than those of sockets, which they
// go by.
func TestFrames(t *testing.T) {
	names(t, machine)
	a := join(t, open(t, Config{}), "job")
	own, gateway := a.Addresses()[0].String(), a.Gateway().String()
	for _, to := range metadata {
		reachableAt(t, to)
	}
	for _, c := range []struct {
		at    string      // a namespace where something listens at port 53
		wrong [][2]string // from where to where
		right string
	}{
		{"", [][2]string{{own, gateway}, {own, "127.0.0.1"}, {own, "10.217.255.255"}, {own, "255.255.255.255"}, {own, "224.0.0.1"},
			{neighbour, machine}, {"0.0.0.0", machine}, {machine, machine}, {"127.0.0.1", machine}}, machine},
		{neighbours, [][2]string{{own, metadata[0]}, {own, metadata[1]}, {neighbour, neighbour}, {machine, neighbour}}, neighbour},
	} {
		var l net.PacketConn
		err := inside(c.at, func() (err error) {
			l, err = net.ListenPacket("udp", ":53")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if c.at == "" {
			to6(t, a)
		}
		for _, w := range c.wrong {
			frame(t, a, w[0], w[1])
		}
		frame(t, a, own, c.right)
		_ = l.SetReadDeadline(time.Now().Add(10 * time.Second))
		got := make([]byte, 100)
		size, _, err := l.ReadFrom(got)
		if want := own + " " + c.right; err != nil || string(got[:size]) != want {
			t.Errorf("the first packet to arrive is %q, %v; want %q", got[:size], err, want)
		}
	}
}

// to6 has a job send to an address of IPv6 that the machine has.
func to6(t *testing.T, a *Attachment) {
	t.Helper()
	setUpIPv6(t, a.Path(), "fd00::a/64")
	if err := setUp("lo", "fd00::1/128"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		link, err := netlink.LinkByName("lo")
		addr, _ := netlink.ParseAddr("fd00::1/128")
		if err := errors.Join(err, netlink.AddrDel(link, addr)); err != nil {
			t.Error(err)
		}
	})
	mac := bridgeMAC(t, a)
	err := inside(a.Path(), func() error {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		near := &netlink.Neigh{LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: net.ParseIP("fd00::1"), HardwareAddr: mac}
		if err := netlink.NeighSet(near); err != nil {
			return err
		}
		c, err := net.Dial("udp", "[fd00::1]:53")
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("fd00::1"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// bridgeMAC is the address of the machine's end.
func bridgeMAC(t *testing.T, a *Attachment) net.HardwareAddr {
	t.Helper()
	br, err := net.InterfaceByName(a.net.name)
	if err != nil {
		t.Fatal(err)
	}
	return br.HardwareAddr
}

// frame puts a packet of UDP for port 53 on a job's wire, which says what it
// claims.
func frame(t *testing.T, a *Attachment, from, to string) {
	t.Helper()
	text := from + " " + to
	p := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, unix.IPPROTO_UDP, 0, 0}
	binary.BigEndian.PutUint16(p[2:], uint16(28+len(text)))
	p = append(append(p, netip.MustParseAddr(from).AsSlice()...), netip.MustParseAddr(to).AsSlice()...)
	var sum uint32
	for i := 0; i < len(p); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum+sum>>16))
	p = append(p, 0x30, 0x39, 0, 53, 0, byte(8+len(text)), 0, 0) // without a checksum
	p = append(p, text...)
	at := &unix.SockaddrLinklayer{Protocol: unix.ETH_P_IP<<8&0xff00 | unix.ETH_P_IP>>8, Halen: 6}
	copy(at.Addr[:], bridgeMAC(t, a))
	err := inside(a.Path(), func() error {
		link, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		at.Ifindex = link.Index
		s, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return errors.Join(unix.Sendto(s, p, 0, at), unix.Close(s))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// names has names looked up at an address, until the end of the test.
func names(t *testing.T, address string) {
	t.Helper()
	file := t.TempDir() + "/resolv.conf"
	if err := os.WriteFile(file, []byte("nameserver "+address+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(file, "/etc/resolv.conf", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount("/etc/resolv.conf", unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// Jobs ask the machine for names where they are told to, and for nothing else;
// also where that changes.
func TestNameServer(t *testing.T) {
	names(t, machine)
	n := open(t, Config{})
	a := join(t, n, "a")
	_, port, _ := net.SplitHostPort(serve(t, "", ":0"))
	serve(t, "", ":53")
	hears(t, a.Path(), machine+":53", a.Addresses()[0].String())
	refused(t, a, machine+":"+port, a.Gateway().String()+":53")

	reachableAt(t, metadata[0]) // as in some clouds
	serve(t, neighbours, ":53")
	refused(t, a, metadata[0]+":53")
	names(t, metadata[0])
	b := join(t, n, "b")
	hears(t, b.Path(), metadata[0]+":53", machine)
	hears(t, a.Path(), machine+":53", a.Addresses()[0].String())
	if len(n.asked) != 2 {
		t.Errorf("jobs may ask %v", n.asked)
	}
}

// For debugging, jobs reach the machine at their gateway, be it what the machine
// has elsewhere, and not at its other addresses.
func TestHost(t *testing.T) {
	a := join(t, open(t, Config{Host: true}), "job")
	gateway := a.Gateway().String()
	_, port, _ := net.SplitHostPort(serve(t, "", ":0"))
	_, far, _ := net.SplitHostPort(serve(t, neighbours, ":0"))
	translated := "PREROUTING -d " + gateway + " -p tcp --dport 8088 -j DNAT --to-destination " + neighbour + ":" + far
	change(t, "-t nat -A "+translated)
	t.Cleanup(func() { change(t, "-t nat -D "+translated) })
	hears(t, a.Path(), gateway+":"+port, a.Addresses()[0].String())
	hears(t, a.Path(), gateway+":8088", machine)
	refused(t, a, machine+":"+port)
}
