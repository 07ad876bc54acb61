package images

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ingot-grading/ingot/testenv/apt"
)

// sshPackages are those of Debian that an SSH server is in and what they need
// beside the base system.
var sshPackages = []string{"openssh-server", "openssh-client", "libwrap0"}

// sshPrograms are what the image's side of an SSH session runs. OpenSSH has been
// in one program up to 9.7, and in three since.
var sshPrograms = []struct {
	path     string
	optional bool
}{
	{"/usr/sbin/sshd", false},
	{"/usr/lib/openssh/sshd-session", true},
	{"/usr/lib/openssh/sshd-auth", true},
	{"/usr/bin/ssh-keygen", false},
	{"/usr/sbin/chpasswd", false},
	{"/usr/sbin/unix_chkpwd", true},
	{"/usr/bin/script", false},
}

// SSHServer is what an image needs to let people in: OpenSSH's server and what
// it and chpasswd stand on, from this machine or unpacked from Debian's packages
// without installing them. These are fetched once and kept in the user's cache, or
// below dir where there is none.
func SSHServer(ctx context.Context, dir string) ([]File, error) {
	if cache, err := os.UserCacheDir(); err == nil {
		dir = filepath.Join(cache, "ingot")
	}
	root := filepath.Join(dir, "openssh")
	if _, err := os.Stat("/usr/sbin/sshd"); err != nil {
		if err := fetchOnce(ctx, root, sshPackages...); err != nil {
			return nil, fmt.Errorf("fetch an SSH server: %w", err)
		}
	}
	libs := libraries{root: root, files: map[string][]byte{}}
	files := []File{
		{Path: "/etc/passwd", Data: []byte("root:x:0:0:root:/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n")},
		{Path: "/etc/group", Data: []byte("root:x:0:\ntty:x:5:\nshadow:x:42:\n")},
		{Path: "/etc/shadow", Mode: 0o640, GID: 42, Data: []byte("root:*:19000:0:99999:7:::\n")},
		{Path: "/etc/ssh/sshd_config", Data: []byte("UsePAM yes\nPrintMotd no\n")},
		{Path: "/etc/login.defs", Data: []byte("ENCRYPT_METHOD SHA512\n")},
	}
	for name, text := range map[string]string{
		"chpasswd": "password required pam_unix.so sha512\n",
		"sshd":     "auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_unix.so\n",
		"other":    "auth required pam_deny.so\naccount required pam_deny.so\npassword required pam_deny.so\nsession required pam_deny.so\n",
	} {
		files = append(files, File{Path: "/etc/pam.d/" + name, Data: []byte(text)})
	}
	for _, p := range sshPrograms {
		data, err := libs.take(ctx, p.path)
		if p.optional && errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("collect an SSH server: %w", err)
		}
		files = append(files, File{Path: p.path, Mode: 0o755, Data: data})
	}
	modules, err := filepath.Glob("/usr/lib/*/security/pam_unix.so")
	if err != nil || len(modules) == 0 {
		return nil, errors.Join(errors.New("collect an SSH server: there is no pam_unix.so"), err)
	}
	for _, m := range append(modules, filepath.Join(filepath.Dir(modules[0]), "pam_deny.so")) {
		data, err := libs.take(ctx, m)
		if err != nil {
			return nil, fmt.Errorf("collect an SSH server: %w", err)
		}
		files = append(files, File{Path: m, Mode: 0o644, Data: data}, File{Path: strings.TrimPrefix(m, "/usr"), Mode: 0o644, Data: data})
	}
	for path, data := range libs.files {
		files = append(files, File{Path: path, Mode: 0o755, Data: data})
	}
	return files, nil
}

// libraries collects the shared libraries of programs.
type libraries struct {
	root  string // where packages were unpacked, before this machine's own
	files map[string][]byte
}

// take reads a program and its libraries.
func (l libraries) take(ctx context.Context, path string) ([]byte, error) {
	from := path
	if _, err := os.Stat(l.root + path); err == nil {
		from = l.root + path
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return nil, err
	}
	dirs, err := filepath.Glob(l.root + "/usr/lib/*-linux-gnu")
	if err != nil {
		return nil, err
	}
	ldd := exec.CommandContext(ctx, "ldd", from)
	ldd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+strings.Join(dirs, ":"))
	out, err := ldd.Output()
	if err != nil {
		return nil, fmt.Errorf("libraries of %s: %w", from, err)
	}
	for line := range strings.Lines(string(out)) {
		for word := range strings.FieldsSeq(line) {
			if !filepath.IsAbs(word) {
				continue
			}
			if l.files[strings.TrimPrefix(word, l.root)], err = os.ReadFile(word); err != nil {
				return nil, err
			}
		}
	}
	return data, nil
}

// fetchOnce is fetch for a root that others may look for at the same time: it is
// there as a whole or not at all.
func fetchOnce(ctx context.Context, root string, packages ...string) (err error) {
	if _, err := os.Stat(root); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(root), 0o755); err != nil {
		return err
	}
	part, err := os.MkdirTemp(filepath.Dir(root), filepath.Base(root)+"-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(part)) }()
	if err := fetch(ctx, part, packages...); err != nil {
		return err
	}
	if err := os.Rename(part, root); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// fetch downloads packages and unpacks them to root.
func fetch(ctx context.Context, root string, packages ...string) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	var said strings.Builder
	if err := apt.Fresh(ctx, &said, root, append([]string{"download"}, packages...)...); err != nil {
		return fmt.Errorf("%w: %s", err, said.String())
	}
	debs, err := filepath.Glob(filepath.Join(root, "*.deb"))
	if err != nil || len(debs) != len(packages) {
		return errors.Join(fmt.Errorf("apt-get download gave %q", debs), err)
	}
	for _, deb := range debs {
		if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", deb, root).CombinedOutput(); err != nil {
			return fmt.Errorf("dpkg-deb: %w: %s", err, out)
		}
	}
	return nil
}
