package vm

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	retryAfter   = 100 * time.Millisecond
	firstAttempt = 5 * time.Second // of a handshake; each further one has twice that
	longAttempt  = 40 * time.Second
)

// connect waits for the guest's sshd and logs in. A guest that is still booting
// refuses, resets or swallows connections, so only ctx ends the attempts.
func (m *Machine) connect(ctx context.Context) error {
	conf, err := sshConfig(m.dir)
	if err != nil {
		return err
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(m.port))
	retry := time.NewTimer(0)
	defer retry.Stop()
	for limit := firstAttempt; ; limit = min(2*limit, longAttempt) {
		select {
		case <-retry.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if m.client, err = dial(ctx, addr, conf, limit); err == nil {
			return nil
		}
		retry.Reset(retryAfter)
	}
}

func dial(ctx context.Context, addr string, conf *ssh.ClientConfig, limit time.Duration) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, channels, requests, err := ssh.NewClientConn(conn, addr, conf)
	if err == nil && !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// sshConfig reads the keys in dir. The algorithms are those that emulated CPUs
// do fastest, by measurement.
func sshConfig(dir string) (*ssh.ClientConfig, error) {
	private, err := os.ReadFile(filepath.Join(dir, clientKey))
	if err != nil {
		return nil, fmt.Errorf("read the client's key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("read the client's key: %w", err)
	}
	public, err := os.ReadFile(filepath.Join(dir, hostKey))
	if err != nil {
		return nil, fmt.Errorf("read the guest's key: %w", err)
	}
	known, _, _, _, err := ssh.ParseAuthorizedKey(public)
	if err != nil {
		return nil, fmt.Errorf("read the guest's key: %w", err)
	}
	return &ssh.ClientConfig{
		Config: ssh.Config{
			KeyExchanges: []string{ssh.KeyExchangeCurve25519},
			Ciphers:      []string{ssh.CipherAES128CTR, ssh.CipherAES128GCM},
			MACs:         []string{ssh.HMACSHA256ETM},
		},
		User:              "root",
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback:   ssh.FixedHostKey(known),
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
	}, nil
}

// refresh gives a restored guest what it missed: the time since it was saved,
// and randomness that no other guest of the same state has. The kernel has been
// told to reseed by the VM generation ID; this adds the host's own bytes.
func (m *Machine) refresh(ctx context.Context) error {
	seed := make([]byte, 64)
	rand.Read(seed) // never fails
	var said bytes.Buffer
	now := strconv.FormatFloat(float64(time.Now().UnixMicro())/1e6, 'f', 6, 64)
	code, err := m.Run(ctx, bytes.NewReader(seed), io.Discard, &said, "sh", "-c", "date -s @"+now+" && cat >/dev/urandom")
	if err == nil && code != 0 {
		err = fmt.Errorf("set the guest's clock: exit status %d: %s", code, said.Bytes())
	}
	return err
}
