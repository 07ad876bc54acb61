package grade

import (
	"net"
	"path/filepath"
	"testing"
)

// A script that waits for its student container is let go, and one that does
// not wait takes no notice.
func TestWake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p1.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	s := &student{}
	if s.socket, err = openSocket(path); err != nil {
		t.Fatal(err)
	}
	defer s.socket.Close()
	accepted := make(chan error, 1)
	go func() {
		c, err := l.AcceptUnix()
		if err == nil {
			c.Close()
		}
		accepted <- err
	}()
	s.wake()
	if err := <-accepted; err != nil {
		t.Error(err)
	}
	l.Close()
	s.wake()
}
