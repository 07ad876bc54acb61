package network

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Errors of this package.
var (
	// ErrUnavailable says that this machine offers no networks to jobs, because
	// it lacks plugins or iptables, or because the subnet is taken. The text says
	// what to do.
	ErrUnavailable = errors.New("no networks for jobs")
	// ErrInUse says that another agent uses the state directory.
	ErrInUse = errors.New("state directory is in use by another agent")
	// ErrNoPorts says that too few external ports are free at the moment.
	ErrNoPorts = errors.New("no external ports are free")
)

// Config says what networks jobs get. Only State must be set.
type Config struct {
	// State is a directory of our own, made if missing. The container runtime must
	// see what is mounted in it.
	State string
	// Plugins are the directories of CNI plugins, the first one first. Nil:
	// /opt/cni/bin and /usr/lib/cni.
	Plugins []string
	// Subnet is the IPv4 network of all jobs; its first address is the
	// machine's. The zero value: 10.217.0.0/16.
	Subnet netip.Prefix
	// Ports are the external ports to publish from. The zero value: [DefaultPorts].
	Ports Range
	// Host lets jobs reach this machine at the gateway's address, for debugging
	// (PROTOCOL.md 8.2).
	Host bool
	// Log takes what goes wrong aside; nil throws it away.
	Log *slog.Logger
}

// DefaultPorts are the external ports of PROTOCOL.md 8.2.
var DefaultPorts = Range{64120, 64130}

// Range is a range of ports, both ends included.
type Range struct{ First, Last uint16 }

// UnmarshalText reads "A-B", or "A" for one port. The ends may be in any order
// (PROTOCOL.md 8.2).
func (r *Range) UnmarshalText(text []byte) (err error) {
	*r, err = parseRange(string(text))
	return err
}

func parseRange(text string) (Range, error) {
	a, b, two := strings.Cut(text, "-")
	if !two {
		b = a
	}
	first, err := parsePort(a)
	if err != nil {
		return Range{}, err
	}
	last, err := parsePort(b)
	if err != nil {
		return Range{}, err
	}
	return Range{min(first, last), max(first, last)}, nil
}

func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is no port from 1 to 65535", text)
	}
	return uint16(n), nil
}

func (c *Config) fill() error {
	if c.Plugins == nil {
		c.Plugins = []string{"/opt/cni/bin", "/usr/lib/cni"}
	}
	if c.Subnet == (netip.Prefix{}) {
		c.Subnet = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 217}), 16)
	}
	c.Subnet = c.Subnet.Masked()
	if !c.Subnet.Addr().Is4() || c.Subnet.Bits() < 8 || c.Subnet.Bits() > 29 {
		return fmt.Errorf("subnet %v: it must be of IPv4, with 8 to 29 bits", c.Subnet)
	}
	if c.Ports == (Range{}) {
		c.Ports = DefaultPorts
	}
	if c.Ports.First == 0 || c.Ports.First > c.Ports.Last {
		return fmt.Errorf("external ports %d-%d", c.Ports.First, c.Ports.Last)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// checkID accepts what is both a file name and CNI's idea of a name.
func checkID(id string) error {
	if !idForm.MatchString(id) || len(id) > 200 {
		return fmt.Errorf("%w: id %q", os.ErrInvalid, id)
	}
	return nil
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
