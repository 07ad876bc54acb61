package cgroups

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
)

// ErrHost says that this host's cgroups cannot hold jobs as asked.
var ErrHost = errors.New("cgroups of this host do not suffice")

// place is where the hierarchy is and where in it this process is.
type place struct {
	mount string // directory of the hierarchy's root
	own   string // path of this process' group from there
	v1    bool   // controllers may be bound to version 1 hierarchies
}

func findPlace(mount string) (place, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return place{}, fmt.Errorf("cgroups: %w", err)
	}
	defer f.Close()
	p, err := parseMountinfo(f)
	if err != nil {
		return place{}, fmt.Errorf("cgroups: read mounts: %w", err)
	}
	if mount != "" {
		p.mount = path.Clean(mount)
	}
	switch {
	case p.mount == "" && p.v1:
		return place{}, fmt.Errorf("cgroups: %w: only version 1 is mounted; version 2 is needed", ErrHost)
	case p.mount == "":
		return place{}, fmt.Errorf("cgroups: %w: no cgroup2 file system is mounted", ErrHost)
	}
	g, err := os.Open("/proc/self/cgroup")
	if err != nil {
		return place{}, fmt.Errorf("cgroups: %w", err)
	}
	defer g.Close()
	if p.own, err = parseOwn(g); err != nil {
		return place{}, fmt.Errorf("cgroups: read own group: %w", err)
	}
	return p, nil
}

// parseMountinfo finds cgroup file systems in the form of proc(5). Of several
// unified ones it prefers the usual place, else the first. One that shows only
// part of the hierarchy is of no use: OCI runtimes start at the root.
func parseMountinfo(r io.Reader) (place, error) {
	var p place
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20) // overlay options make long lines
	for lines.Scan() {
		// 36 35 98:0 /root /mount/point rw,relatime shared:1 - type source options
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields, fstype := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 6 || len(fstype) == 0 {
			continue
		}
		switch fstype[0] {
		case "cgroup":
			p.v1 = true
		case "cgroup2":
			point := unescape(fields[4])
			if fields[3] == "/" && (p.mount == "" || point == "/sys/fs/cgroup") {
				p.mount = point
			}
		}
	}
	return p, lines.Err()
}

// unescape undoes the octal escapes of mountinfo: space, tab, newline, backslash.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// parseOwn finds the unified hierarchy's line "0::/path" of /proc/self/cgroup. The
// path of a group outside the cgroup namespace starts with "/..".
func parseOwn(r io.Reader) (string, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if own, ok := strings.CutPrefix(lines.Text(), "0::"); ok && path.IsAbs(own) {
			return own, nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	return "", fmt.Errorf("%w: this process is in no group of version 2", ErrHost)
}
