package zmtp

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

func TestIPCTakesOverStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false) // as if its process had been killed
	dead.Close()
	r := listen(t, "ipc://"+path, Config{SocketMode: 0o660})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("stat: %v, %v, want mode 660", info, err)
	}
	connect(t, "ipc://"+path, Config{})
	next(t, r, wire.PeerUp)
}

func TestIPCLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	taken, file := filepath.Join(dir, "taken"), filepath.Join(dir, "file")
	listen(t, "ipc://"+taken, Config{})
	if _, err := Listen("ipc://"+taken, Config{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second listener: %v, want EADDRINUSE", err)
	}
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen("ipc://"+file, Config{}); err == nil {
		t.Error("listened on an ordinary file")
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

// Two processes that start at once must not remove each other's socket.
func TestIPCTakeOverIsExclusive(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	results := make(chan error, 8)
	for range cap(results) {
		go func() {
			r, err := Listen("ipc://"+path, Config{})
			if err == nil {
				t.Cleanup(func() { finish(t, r, r.Close) })
			}
			results <- err
		}()
	}
	won := 0
	for range cap(results) {
		if <-results == nil {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d listeners won, want 1", won)
	}
}

func TestCloseRemovesSocketFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	r, err := Listen("ipc://"+path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	finish(t, r, r.Close)
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close: %v, want no file", err)
	}
}

func TestListenErrors(t *testing.T) {
	r := listen(t, "tcp://127.0.0.1:*", Config{})
	if _, err := Listen(r.Addr(), Config{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("port in use: %v, want EADDRINUSE", err)
	}
	for name, cfg := range map[string]Config{
		"negative limit":    {MaxPeers: -1},
		"negative duration": {Handshake: -1},
		"long identity":     {Identity: string(make([]byte, 256))},
		"long numbered":     {Identity: strings.Repeat("x", 250), NumberConnections: true},
		"zero identity":     {Identity: "\x00abcd"},
		"long password":     {Plain: &Credentials{Password: string(make([]byte, 256))}},
	} {
		if bad, err := Listen("tcp://127.0.0.1:*", cfg); err == nil {
			bad.Close()
			t.Errorf("%s: no error", name)
		}
		if bad, err := Dial(r.Addr(), cfg); err == nil {
			bad.Close()
			t.Errorf("%s: no error from Dial", name)
		}
	}
}
