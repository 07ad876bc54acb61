package sshd

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/ingot-grading/ingot/agent/guest/worker"
)

// prepare makes what sshd needs: the user with a password, host keys, a place.
func prepare(ctx context.Context, user string) (password string, err error) {
	if err := addWorker("/etc"); err != nil {
		return "", err
	}
	var random [10]byte
	rand.Read(random[:])
	password = base64.StdEncoding.EncodeToString(random[:])
	for _, nologin := range []string{"/run/nologin", "/var/run/nologin"} {
		_ = os.Remove(nologin) // seldom there; one that stays is told to who logs in
	}
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return "", err
	}
	set := exec.CommandContext(ctx, "chpasswd")
	set.Stdin = strings.NewReader(user + ":" + password + "\n")
	if out, err := set.CombinedOutput(); err != nil {
		return "", fmt.Errorf("chpasswd: %w: %s", err, out)
	}
	// Of one kind only, as an RSA key takes seconds, and new, as everybody has what
	// is in an image.
	if err := os.RemoveAll(hostKey); err != nil {
		return "", err
	}
	key := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", hostKey)
	if out, err := key.CombinedOutput(); err != nil {
		return "", fmt.Errorf("ssh-keygen: %w: %s", err, out)
	}
	return password, nil
}

// addWorker adds the user and group worker to an /etc that does not have them.
func addWorker(etc string) error {
	for _, f := range []struct {
		name, line string
		mode       os.FileMode // if it has to be made
	}{
		{"passwd", fmt.Sprintf("worker:x:%d:%d::%s:/bin/sh\n", worker.ID, worker.ID, worker.Home), 0o644},
		{"group", fmt.Sprintf("worker:x:%d:\n", worker.ID), 0o644},
		{"shadow", "worker:*:19000:0:99999:7:::\n", 0o600},
	} {
		path := etc + "/" + f.name
		b, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if strings.HasPrefix("\n"+string(b), "\nworker:") || strings.Contains(string(b), "\nworker:") {
			continue
		}
		line := f.line
		if len(b) > 0 && b[len(b)-1] != '\n' { // or the last of the image's users would have it as a part
			line = "\n" + line
		}
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, f.mode)
		if err != nil {
			return err
		}
		_, err = io.WriteString(out, line)
		if err := errors.Join(err, out.Close()); err != nil {
			return err
		}
	}
	return nil
}
