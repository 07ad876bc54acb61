package vm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// host is what this system says of itself.
type host struct {
	id, codename string   // of os-release: "debian", "bookworm"
	sources      []source // of apt, the main list first
}

// readHost reads the files below root, "/" but in tests. A system without
// os-release or apt is an empty host.
func readHost(root fs.FS) (host, error) {
	release, err := parseFile(root, "etc/os-release", parseRelease)
	if err != nil {
		return host{}, err
	}
	h := host{id: release["ID"], codename: release["VERSION_CODENAME"]}
	lists, err := fs.Glob(root, "etc/apt/sources.list.d/*")
	if err != nil {
		return host{}, fmt.Errorf("find apt's sources: %w", err)
	}
	for _, name := range append([]string{"etc/apt/sources.list"}, lists...) {
		parse := parseList
		switch filepath.Ext(name) {
		case ".sources":
			parse = parseSources
		case ".list":
		default:
			continue // apt ignores it too
		}
		found, err := parseFile(root, name, parse)
		if err != nil {
			return host{}, err
		}
		h.sources = append(h.sources, found...)
	}
	return h, nil
}

// parseFile parses one file; one that is not there gives the zero value.
func parseFile[T any](root fs.FS, name string, parse func(io.Reader) (T, error)) (T, error) {
	var zero T
	f, err := root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return zero, nil
	}
	if err != nil {
		return zero, fmt.Errorf("read the host's configuration: %w", err)
	}
	defer f.Close()
	got, err := parse(f)
	if err != nil {
		return zero, fmt.Errorf("read %s: %w", name, err)
	}
	return got, nil
}

func parseRelease(r io.Reader) (map[string]string, error) {
	vars := map[string]string{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok {
			vars[name] = strings.Trim(value, `"'`)
		}
	}
	return vars, lines.Err()
}

// debian returns where Debian's packages come from: the configured mirror, else
// the host's own if the host is a Debian.
func (h host) debian(configured string) (source, error) {
	own, ok := mainArchive(h.sources, h.codename)
	ok = ok && h.id == "debian"
	switch {
	case configured != "":
		return source{uri: configured}, nil
	case !ok:
		return source{}, fmt.Errorf("%w: apt's configuration names none (this is %q, release %q): set INGOT_VM_MIRROR to the URL of one",
			ErrNoMirror, h.id, h.codename)
	}
	return own, nil
}

// proxySettings returns apt's settings on how to reach mirrors, as lines of an
// apt.conf, for tools that start from an empty configuration. Without apt there
// are none.
func proxySettings(ctx context.Context) (string, error) {
	tool, err := exec.LookPath("apt-config")
	if err != nil {
		return "", nil
	}
	out, err := exec.CommandContext(ctx, tool, "dump", "--no-empty", "--format", `%f "%v";%n`,
		"Acquire::http", "Acquire::https", "Acquire::Check-Valid-Until", "Acquire::Check-Date").Output()
	if err != nil {
		return "", fmt.Errorf("read apt's configuration: %w", err)
	}
	return string(out), nil
}

// findTool finds a program, also where only root's PATH leads.
func findTool(name string) (string, bool) {
	if path, err := exec.LookPath(name); err == nil {
		return path, true
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, true
		}
	}
	return "", false
}
