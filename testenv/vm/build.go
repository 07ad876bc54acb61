package vm

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/crypto/ssh"
)

// build fills dir with an image. It needs root: the files of a disk have owners.
func (r recipe) build(ctx context.Context, dir string) (err error) {
	root := filepath.Join(dir, "root")
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }() // it is large
	if err := r.bootstrap(ctx, dir, root); err != nil {
		return err
	}
	if err := errors.Join(
		addKeys(dir, root),
		// mmdebstrap leaves the host's; the guest's is QEMU's.
		os.WriteFile(filepath.Join(root, "etc/resolv.conf"), []byte("nameserver 10.0.2.3\n"), 0o644),
		moveOnly(filepath.Join(root, "boot/vmlinuz-*"), filepath.Join(dir, kernelName)),
		moveOnly(filepath.Join(root, "boot/initrd.img-*"), filepath.Join(dir, initrdName)),
	); err != nil {
		return fmt.Errorf("finish the root file system: %w", err)
	}
	args := append([]string{}, r.mkfs...)
	args = append(args, "-d", root, filepath.Join(dir, diskName), strconv.Itoa(r.diskMiB)+"M")
	return command(ctx, nil, "mke2fs", args...)
}

// bootstrap makes a root file system below root; dir takes its temporary files.
func (r recipe) bootstrap(ctx context.Context, dir, root string) error {
	proxy, err := proxySettings(ctx)
	if err != nil {
		return err
	}
	files := map[string]string{"provision.sh": r.provision, "guest.sh": r.guest, "apt.conf": proxy}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		defer os.Remove(path)
	}
	args := []string{"--mode=root", "--variant=minbase", "--format=directory",
		"--aptopt=" + filepath.Join(dir, "apt.conf")}
	if r.keyring != "" {
		args = append(args, "--keyring="+r.keyring)
	}
	for _, opt := range r.dpkg {
		args = append(args, "--dpkgopt="+opt)
	}
	for _, script := range []string{"provision.sh", "guest.sh"} {
		// The scripts come through the standard input: nothing of them stays.
		args = append(args, `--customize-hook=chroot "$1" sh -s <"$INGOT_BUILD/`+script+`"`)
	}
	args = append(args,
		`--customize-hook=rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap`,
		suite, root, "deb "+r.mirror+" "+suite+" main")
	return command(ctx, []string{"INGOT_BUILD=" + dir}, "mmdebstrap", args...)
}

// addKeys gives the guest's root and its sshd keys of their own.
func addKeys(dir, root string) error {
	clientPub, clientPEM, err := newKey()
	if err != nil {
		return err
	}
	hostPub, hostPEM, err := newKey()
	if err != nil {
		return err
	}
	return errors.Join(
		os.MkdirAll(filepath.Join(root, "root/.ssh"), 0o700),
		os.WriteFile(filepath.Join(root, "root/.ssh/authorized_keys"), clientPub, 0o600),
		os.WriteFile(filepath.Join(root, "etc/ssh/ssh_host_ed25519_key"), hostPEM, 0o600),
		os.WriteFile(filepath.Join(root, "etc/ssh/ssh_host_ed25519_key.pub"), hostPub, 0o644),
		os.WriteFile(filepath.Join(dir, clientKey), clientPEM, 0o600),
		os.WriteFile(filepath.Join(dir, hostKey), hostPub, 0o644),
	)
}

// newKey returns a public key as a line of authorized_keys and its private key.
func newKey() (public, private []byte, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	line, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, nil, fmt.Errorf("encode a public key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(priv, "ingot vm")
	if err != nil {
		return nil, nil, fmt.Errorf("encode a private key: %w", err)
	}
	return ssh.MarshalAuthorizedKey(line), pem.EncodeToMemory(block), nil
}

// moveOnly moves the one file that matches pattern.
func moveOnly(pattern, to string) error {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("%d files match %s", len(found), pattern)
	}
	return os.Rename(found[0], to)
}
