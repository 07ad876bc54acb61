package network

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ingot-grading/ingot/cgroups"
)

// Rules and programs in the kernel keep jobs off the same networks of IPv4, but
// for 0.0.0.0/8, which is the job itself where programs look.
func TestRulesRefuseWhatProgramsDo(t *testing.T) {
	want := []string{"0.0.0.0/8"}
	for _, p := range cgroups.Never() {
		if p.Addr().Is4() {
			want = append(want, p.String())
		}
	}
	if got := slices.Sorted(slices.Values(never[:])); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("refused %q, want %q", got, want)
	}
}

func TestParseRange(t *testing.T) {
	for text, want := range map[string]Range{
		"64120-64130":   {64120, 64130},
		"64130-64120":   {64120, 64130}, // PROTOCOL.md 8.2
		" 1 - 65535":    {1, 65535},
		"22":            {22, 22},
		"":              {},
		"-":             {},
		"0-5":           {},
		"1-65536":       {},
		"1-2-3":         {},
		"-5":            {},
		"ssh":           {},
		"0x10-0x20":     {},
		"1_000-2_000":   {},
		"64120–64130":   {},
		"64120-64130\n": {64120, 64130},
	} {
		got, err := parseRange(text)
		if got != want || (err != nil) != (want == Range{}) {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestConfigHasDefaults(t *testing.T) {
	var c Config
	if err := c.fill(); err != nil || c.Subnet.String() != "10.217.0.0/16" || c.Ports != DefaultPorts || len(c.Plugins) != 2 {
		t.Errorf("the zero value is %+v, %v", c, err)
	}
	c = Config{Subnet: netip.MustParsePrefix("10.1.2.3/24")}
	if err := c.fill(); err != nil || c.Subnet.String() != "10.1.2.0/24" {
		t.Errorf("subnet %v, %v", c.Subnet, err)
	}
	for name, c := range map[string]Config{
		"IPv6":       {Subnet: netip.MustParsePrefix("fd00::/64")},
		"tiny":       {Subnet: netip.MustParsePrefix("10.0.0.0/30")},
		"backwards":  {Ports: Range{2, 1}},
		"port zero":  {Ports: Range{0, 9}},
		"mapped":     {Subnet: netip.MustParsePrefix("::ffff:10.0.0.0/104")},
		"everything": {Subnet: netip.MustParsePrefix("0.0.0.0/0")},
	} {
		if err := c.fill(); err == nil {
			t.Errorf("%s: accepted as %+v", name, c)
		}
	}
}

// unused makes a pool of n ports that nobody on the machine uses, of those that
// kernels give to nobody by themselves.
func unused(t *testing.T, n uint16) *pool {
	t.Helper()
	var err error
	for range 100 { // another run of this test may have some
		first := 61000 + rand.N(4000-n)
		p := newPool(Range{first, first + n - 1})
		var all []lent
		if all, err = p.take(len(p.free)); err != nil {
			continue
		}
		if err := p.giveBack(all); err != nil || len(all) != int(n) {
			t.Fatalf("%d ports, want %d: %v", len(all), n, err)
		}
		return p
	}
	t.Fatal(err)
	return nil
}

// Ports are lent to one at a time, all that were asked for or none, and those
// that other programs use are not lent at all.
func TestPool(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	used := uint16(l.Addr().(*net.TCPAddr).Port)
	p := &pool{free: []uint16{used}}
	if _, err := p.take(1); !errors.Is(err, ErrNoPorts) {
		t.Errorf("a port in use: %v", err)
	}

	p = unused(t, 11)
	all, first := 11, p.free[0]
	a, err := p.take(2)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", first)); err == nil {
		l.Close()
		t.Error("a port on loan is free for other programs")
	}
	if _, err := p.take(all - 1); !errors.Is(err, ErrNoPorts) {
		t.Errorf("more than there are: %v", err)
	}
	b, err := p.take(all - 2)
	if err != nil {
		t.Fatal(err)
	}
	if none, err := p.take(0); err != nil || none != nil {
		t.Errorf("none is %v, %v", none, err)
	}
	if err := errors.Join(p.giveBack(b), p.giveBack(a)); err != nil {
		t.Fatal(err)
	}
	ports := slices.Sorted(slices.Values(p.free))
	if len(ports) != all || len(slices.Compact(ports)) != all || p.free[all-1] != a[1].port {
		t.Errorf("free at the end: %v", p.free)
	}
}

func TestResolvers(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	stub := file("stub", "# systemd-resolved\nnameserver 127.0.0.53\noptions edns0\n")
	upstream := file("upstream", "nameserver 10.0.0.1\nnameserver 2001:db8::1\nnameserver fe80::1%eth0\nnameserver 0.0.0.0\n"+
		"nameserver\n nameserver 10.0.0.2 # second\n;nameserver 10.0.0.3\nnameserver 10.0.0.1\nnameservers 10.0.0.4\nsearch example.org\n")
	none := filepath.Join(dir, "none")
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"stub first":     {[]string{stub, upstream}, "[10.0.0.1 10.0.0.2]"},
		"plain":          {[]string{upstream, stub}, "[10.0.0.1 10.0.0.2]"},
		"loopback only":  {[]string{stub, none}, "[]"},
		"no file at all": {[]string{none}, "[]"},
	} {
		got, err := resolvers(c.files)
		if text := fmt.Sprint(got); err != nil || text != c.want {
			t.Errorf("%s: %s, %v; want %s", name, text, err, c.want)
		}
	}
	if _, err := resolvers([]string{dir}); err == nil {
		t.Error("a directory was read")
	}
}
