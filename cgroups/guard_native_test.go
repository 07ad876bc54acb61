//go:build native || vm

package cgroups

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

func guards(t *testing.T, denied ...string) *Guards {
	t.Helper()
	tier.Require(t, tier.Native, tier.VM)
	s, err := LoadGuards()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	setDenied(t, s, denied...)
	return s
}

func setDenied(t *testing.T, s *Guards, denied ...string) {
	t.Helper()
	var networks []netip.Prefix
	for _, p := range denied {
		networks = append(networks, netip.MustParsePrefix(p))
	}
	if err := s.Deny(networks); err != nil {
		t.Fatal(err)
	}
}

// packet is an IP packet with the headers that matter.
type packet struct {
	to       string
	protocol byte
	flags    byte   // of TCP
	fragment uint16 // flags and offset
	version  byte   // if not that of the address
	options  int    // words of options
	cut      int    // bytes that are missing
	next     byte   // of IPv6, before the protocol's header: an extension
}

func (p packet) bytes() []byte {
	transport := make([]byte, 20)
	binary.BigEndian.PutUint16(transport[2:], 80)
	transport[13] = p.flags
	to := netip.MustParseAddr(p.to)
	var ip []byte
	if to.Is4() {
		ip = make([]byte, 20+4*p.options)
		ip[0], ip[9] = byte(0x40|len(ip)/4), p.protocol
		binary.BigEndian.PutUint16(ip[6:], p.fragment)
		copy(ip[16:], to.AsSlice())
	} else {
		ip = make([]byte, 40)
		ip[0], ip[6] = 0x60, p.protocol
		copy(ip[24:], to.AsSlice())
		if p.next != 0 {
			ip = append(ip, p.protocol, 0, 0, 0, 0, 0, 0, 0)
			ip[6] = p.next
		}
	}
	if p.version != 0 {
		ip[0] = p.version<<4 | ip[0]&15
	}
	ethernet := make([]byte, 12, 14)
	if to.Is4() {
		ethernet = append(ethernet, 0x08, 0x00)
	} else {
		ethernet = append(ethernet, 0x86, 0xdd)
	}
	all := append(append(ethernet, ip...), transport...)
	return all[:len(all)-p.cut]
}

// What becomes of each packet, before any socket.
func TestPacketVerdicts(t *testing.T) {
	s := guards(t, "192.0.2.1/32", "2001:db8::1/128")
	const icmp, icmp6 = 1, 58
	send := func(p packet) bool {
		t.Helper()
		pass, err := s.programs[0].Run(&ebpf.RunOptions{Data: p.bytes()})
		if err != nil {
			t.Fatal(err)
		}
		return pass == 1
	}
	for _, c := range []struct {
		name string
		packet
		pass bool
	}{
		{"to anybody", packet{to: "192.0.2.2", protocol: tcp, flags: flagSYN}, true},
		{"to anybody, IPv6", packet{to: "2001:db8::2", protocol: udp}, true},
		{"to itself", packet{to: "127.0.0.1", protocol: udp}, true},
		{"to itself, IPv6", packet{to: "::1", protocol: icmp6}, true},
		{"a connection", packet{to: "192.0.2.1", protocol: tcp, flags: flagSYN}, false},
		{"a connection, IPv6", packet{to: "2001:db8::1", protocol: tcp, flags: flagSYN}, false},
		{"a connection with ECN", packet{to: "192.0.2.1", protocol: tcp, flags: flagSYN | 0xc0}, false},
		{"an answer", packet{to: "192.0.2.1", protocol: tcp, flags: flagSYN | flagACK}, true},
		{"an answer, IPv6", packet{to: "2001:db8::1", protocol: tcp, flags: flagACK}, true},
		{"an answer after options", packet{to: "192.0.2.1", protocol: tcp, flags: flagACK, options: 10}, true},
		{"a connection after options", packet{to: "192.0.2.1", protocol: tcp, flags: flagSYN, options: 10}, false},
		{"a datagram", packet{to: "192.0.2.1", protocol: udp}, false},
		{"a ping", packet{to: "192.0.2.1", protocol: icmp}, false},
		{"a later fragment", packet{to: "192.0.2.1", protocol: tcp, flags: flagACK, fragment: 1}, false},
		{"a far fragment", packet{to: "192.0.2.1", protocol: tcp, flags: flagACK, fragment: 0x1f00}, false},
		{"the first fragment of an answer", packet{to: "192.0.2.1", protocol: tcp, flags: flagACK, fragment: 0x2000}, true},
		{"of no version", packet{to: "192.0.2.2", protocol: udp, version: 5}, false},
		{"behind an extension", packet{to: "2001:db8::1", protocol: tcp, flags: flagACK, next: 60}, false},
		{"cut in the ports", packet{to: "192.0.2.2", protocol: tcp, flags: flagACK, cut: 18}, false},
		{"cut in the flags", packet{to: "192.0.2.1", protocol: tcp, flags: flagACK, cut: 7}, false},
		{"metadata", packet{to: "169.254.169.254", protocol: tcp, flags: flagSYN}, false},
		{"translated metadata", packet{to: "64:ff9b::169.254.169.254", protocol: tcp, flags: flagSYN}, false},
		{"link-local", packet{to: "fe80::1", protocol: icmp6}, false},
		{"multicast", packet{to: "239.1.2.3", protocol: udp}, false},
		{"broadcast", packet{to: "255.255.255.255", protocol: udp}, false},
		{"multicast, IPv6", packet{to: "ff02::1", protocol: udp}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := send(c.packet); got != c.pass {
				t.Errorf("passes: %v, want %v", got, c.pass)
			}
		})
	}
	setDenied(t, s, "192.0.2.2/32")
	for to, want := range map[string]bool{"192.0.2.1": true, "192.0.2.2": false, "fe80::1": false} {
		if got := send(packet{to: to, protocol: udp}); got != want {
			t.Errorf("after a change %s passes: %v, want %v", to, got, want)
		}
	}
}

// What a change of the denials could not finish does not keep the next one from it.
func TestDenialThatIsGone(t *testing.T) {
	s := guards(t, "192.0.2.1/32", "192.0.2.2/32")
	for k := range denials([]netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}) {
		if err := s.rules.Delete(k); err != nil {
			t.Fatal(err)
		}
	}
	setDenied(t, s, "192.0.2.2/32")
}

// A guard that is closed leaves neither rules nor descriptors.
func TestClosedGuardLeavesNothing(t *testing.T) {
	s, p := guards(t), tree(t)
	left := func() (rules, fds int) {
		t.Helper()
		var k ruleKey
		var port uint32
		for it := s.rules.Iterate(); it.Next(&k, &port); {
			rules++
		}
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return rules, len(open)
	}
	g := job(t, p, "j1")
	rules, fds := left()
	x, err := g.Guard(s, Policy{Allow: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, Resolvers: []netip.Addr{netip.MustParseAddr("fd00::1")}})
	if err != nil {
		t.Fatal(err)
	}
	if r, f := left(); r <= rules || f <= fds { // else the test sees nothing
		t.Errorf("a guard has %d rules and %d descriptors", r-rules, f-fds)
	}
	if err := errors.Join(x.Close(), g.Remove(t.Context())); err != nil {
		t.Fatal(err)
	}
	if r, f := left(); r != rules || f > fds {
		t.Errorf("%d rules and %d descriptors are left", r-rules, f-fds)
	}
}

// guardRole makes the test binary a part of TestGuard: "outside" makes a network
// and what is in it, "inside" is the guarded job.
const guardRole = "INGOT_TEST_GUARD"

// A guarded job reaches what it may, and is told at once what it may not; the
// host reaches the job.
func TestGuard(t *testing.T) {
	switch dir, role, _ := strings.Cut(os.Getenv(guardRole), "="); role {
	case "outside":
		outside(t, dir)
		return
	case "inside":
		inside(t)
		return
	}
	s := guards(t, "192.0.2.1/32", "2001:db8::1/128", "10.88.0.0/16", "fd00:88::/64")
	p := tree(t)
	g := job(t, p, "j1")
	x, err := g.Guard(s, Policy{
		Allow:     []netip.Addr{netip.MustParseAddr("10.88.0.5"), netip.MustParseAddr("fd00:88::5")},
		Resolvers: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
	})
	if err != nil {
		t.Fatal(err)
	}
	left := []netip.Addr{netip.MustParseAddr("10.88.0.6"), netip.MustParseAddr("fd00:88::6")}
	if err := errors.Join(x.Allow(Policy{Allow: left}), x.Forbid(left), x.Forbid(left)); err != nil {
		t.Fatal(err)
	}
	other, err := job(t, p, "j2").Guard(s, Policy{}) // whose rules are not ours
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestGuard$")
	cmd.Env = append(os.Environ(), guardRole+"="+child(t, g, "c").dir()+"=outside")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	var denied int64
	for _, p := range probes {
		if !p.ok {
			denied++
		}
	}
	sent, err := x.Traffic()
	if err != nil || sent.Packets < 10 || sent.Bytes < 40*sent.Packets || sent.Denied != denied {
		t.Errorf("sent %+v, %v; want %d denied", sent, err, denied)
	}
	if sent, err := other.Traffic(); err != nil || sent != (Traffic{}) {
		t.Errorf("another job sent %+v, %v", sent, err)
	}
	if err := errors.Join(x.Close(), other.Close(), g.Remove(t.Context())); err != nil {
		t.Error(err)
	}
}

// outside gives this process' network addresses of a host, of a job and of
// others, listens on all of them, starts the job and connects to it.
func outside(t *testing.T, group string) {
	for _, line := range []string{
		"link set lo up", "addr add 192.0.2.1/32 dev lo", "addr add 192.0.2.2/32 dev lo", "addr add 10.88.0.5/32 dev lo",
		"addr add 10.88.0.6/32 dev lo", "addr add 169.254.169.254/32 dev lo", "route add 224.0.0.0/4 dev lo",
		"addr add 2001:db8::1/128 dev lo", "addr add 2001:db8::2/128 dev lo", "addr add fd00:88::5/128 dev lo", "addr add fd00:88::6/128 dev lo",
	} {
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", line, err, out)
		}
	}
	for _, port := range []int{53, 80} {
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	dir, err := os.Open(group)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestGuard$")
	cmd.Env = append(os.Environ(), guardRole+"==inside")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	cmd.Stderr = os.Stderr
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "ready\n" {
		t.Fatalf("the job says %q, %v", line, err)
	}
	for _, from := range []string{"192.0.2.1", "10.88.0.6"} {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := d.DialContext(t.Context(), "tcp", "10.88.0.5:22")
		if err != nil {
			t.Errorf("connect to the job: %v", err)
			continue
		}
		if text, err := io.ReadAll(c); string(text) != "hello" {
			t.Errorf("the job answers %q, %v", text, err)
		}
		c.Close()
	}
	in.Close()
	rest, err := io.ReadAll(lines)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		t.Errorf("%v: %s", err, rest)
	}
}

// probe is something that a job tries.
type probe struct {
	how  string // connect: TCP; dgram: connected UDP; sendto: UDP that is not; ping: ICMP, raw
	to   string
	port int
	ok   bool
}

var probes = []probe{
	{"connect", "127.0.0.1", 80, true},
	{"connect", "::1", 80, true},
	{"connect", "192.0.2.2", 80, true},
	{"connect", "2001:db8::2", 80, true},
	{"connect", "10.88.0.5", 80, true},
	{"connect", "fd00:88::5", 80, true},
	{"connect", "192.0.2.1", 53, true},
	{"connect", "::ffff:192.0.2.1", 53, true},
	{"sendto", "192.0.2.1", 53, true},
	{"sendto", "::ffff:192.0.2.2", 9, true},
	{"sendto", "2001:db8::2", 9, true},
	{"ping", "192.0.2.2", 0, true},

	{"connect", "192.0.2.1", 80, false},
	{"connect", "::ffff:192.0.2.1", 80, false},
	{"connect", "2001:db8::1", 80, false},
	{"connect", "10.88.0.6", 80, false},
	{"connect", "fd00:88::6", 80, false},
	{"connect", "169.254.169.254", 80, false},
	{"connect", "::ffff:169.254.169.254", 80, false},
	{"dgram", "192.0.2.1", 80, false},
	{"dgram", "2001:db8::1", 53, false},
	{"sendto", "192.0.2.1", 80, false},
	{"sendto", "::ffff:192.0.2.1", 80, false},
	{"sendto", "fd00:88::6", 53, false},
	{"sendto", "224.0.0.251", 53, false},
	{"ping", "192.0.2.1", 0, false},
}

// inside is a guarded job that answers on a port and tries what it can reach.
func inside(t *testing.T) {
	l, err := net.Listen("tcp", "10.88.0.5:22")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "hello") // who does not get it says so
			c.Close()
		}
	}()
	fmt.Println("ready")
	for _, p := range probes {
		err := p.try()
		if p.ok && err != nil || !p.ok && !errors.Is(err, unix.EPERM) {
			t.Errorf("%s %s %d: %v, want it to work: %v", p.how, p.to, p.port, err, p.ok)
		}
	}
	if _, err := io.ReadAll(os.Stdin); err != nil { // until the outside has seen enough
		t.Error(err)
	}
}

func (p probe) try() error {
	kind, protocol := unix.SOCK_STREAM, 0
	switch p.how {
	case "dgram", "sendto":
		kind = unix.SOCK_DGRAM
	case "ping":
		kind, protocol = unix.SOCK_RAW, unix.IPPROTO_ICMP
	}
	family, addr := unix.AF_INET6, netip.MustParseAddr(p.to)
	if addr.Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var to unix.Sockaddr = &unix.SockaddrInet6{Port: p.port, Addr: addr.As16()}
	if addr.Is4() {
		to = &unix.SockaddrInet4{Port: p.port, Addr: addr.As4()}
	}
	if p.how == "connect" || p.how == "dgram" {
		return unix.Connect(fd, to)
	}
	return unix.Sendto(fd, []byte("\x08\x00\xf7\xff\x00\x00\x00\x00"), 0, to)
}
