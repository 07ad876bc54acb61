package oci

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Image is what an image's configuration says of the process: a stranger's text.
// More than a MiB or 4096 entries, command and environment together, are refused.
type Image struct {
	Env        []string // entries that are no "NAME=value" are ignored
	Entrypoint []string
	Cmd        []string
	WorkingDir string // "" is "/"; places in /proc, /sys and /dev are refused
	User       string // "", "root" or numbers "uid[:gid]"; other names are refused
}

// FromImage merges img in by Docker's rules: the entrypoint comes first, then the
// arguments of [New] or, if there are none, the image's command. Give it before
// [Env], which then replaces the image's entries.
func FromImage(img Image) Option {
	return func(s *specs.Spec) error {
		s.Process.Env = merge(s.Process.Env, img.Env)
		if len(s.Process.Args) == 0 {
			s.Process.Args = slices.Clone(img.Cmd)
		}
		s.Process.Args = slices.Concat(img.Entrypoint, s.Process.Args)
		s.Process.Cwd = path.Join("/", img.WorkingDir)
		var err error
		s.Process.User, err = parseUser(img.User)
		return err
	}
}

// parseUser takes numbers only: names would have to be looked up in the image's
// own files, and every grading image starts as root.
func parseUser(text string) (specs.User, error) {
	if text == "" {
		return specs.User{}, nil
	}
	owner, group, hasGroup := strings.Cut(text, ":")
	uid, err := parseID(owner)
	if err != nil {
		return specs.User{}, refuse("user %.100q of the image", text)
	}
	u := specs.User{UID: uid}
	if hasGroup {
		if u.GID, err = parseID(group); err != nil {
			return specs.User{}, refuse("group %.100q of the image", text)
		}
	}
	return u, nil
}

// parseID refuses numbers over 31 bits, which some tools wrap round to root.
func parseID(text string) (uint32, error) {
	if text == "root" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return uint32(n), err
}
