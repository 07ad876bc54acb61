package network

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// resolverFiles say where names are looked up: the file of programs, and that of
// systemd-resolved, which names the servers behind its own.
var resolverFiles = []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"}

// resolvers are the servers of the first file that names some that jobs can
// reach.
func resolvers(files []string) ([]netip.Addr, error) {
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if found := reachable(text); len(found) > 0 {
			return found, nil
		}
	}
	return nil, nil
}

// reachable are the name servers of a resolv.conf, without those on a loopback
// and those of IPv6, which jobs do not have.
func reachable(text []byte) []netip.Addr {
	var found []netip.Addr
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		addr, err := netip.ParseAddr(words[1])
		if err != nil || !addr.Is4() || addr.IsLoopback() || addr.IsUnspecified() || slices.Contains(found, addr) {
			continue // glibc passes over what it cannot read, too
		}
		found = append(found, addr)
	}
	return found
}
