package zmtp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// listenAll opens every listener that a needs. All tcp ones share one port.
func listenAll(a address, cfg *Config) ([]net.Listener, error) {
	if a.scheme == "ipc" {
		ln, err := listenUnix(a.host, cfg)
		return []net.Listener{ln}, err
	}
	conf, err := cfg.serverTLS(a)
	if err != nil {
		return nil, err
	}
	binds, err := a.binds(lookupLocal)
	if err != nil {
		return nil, err
	}
	// A free port of one family can be taken in another: then try anew.
	for range 8 {
		var lns []net.Listener
		if lns, err = listenTCP(binds, a.port); err == nil {
			for i := range lns {
				if conf != nil {
					lns[i] = tls.NewListener(lns[i], conf)
				}
			}
			return lns, nil
		}
		if a.port != "0" || !errors.Is(err, unix.EADDRINUSE) {
			break
		}
	}
	return nil, err
}

func listenTCP(binds []bind, port string) ([]net.Listener, error) {
	var lns []net.Listener
	for _, b := range binds {
		ln, err := net.Listen(b.network, net.JoinHostPort(b.host, port))
		if err != nil {
			for _, open := range lns {
				open.Close()
			}
			return nil, err
		}
		if port == "0" {
			if _, port, err = net.SplitHostPort(ln.Addr().String()); err != nil {
				return nil, err
			}
		}
		lns = append(lns, ln)
	}
	return lns, nil
}

// listenUnix binds path. A socket file that nobody listens on any more is
// removed first; any other file is left alone.
func listenUnix(path string, cfg *Config) (net.Listener, error) {
	ln, err := net.Listen("unix", path)
	if path[0] == '@' {
		return ln, err
	}
	if errors.Is(err, unix.EADDRINUSE) {
		ln, err = takeOver(path)
	}
	if err != nil {
		return nil, err
	}
	if cfg.SocketMode != 0 {
		if err := os.Chmod(path, cfg.SocketMode.Perm()); err != nil {
			ln.Close()
			return nil, fmt.Errorf("set mode: %w", err)
		}
	}
	return ln, nil
}

// takeOver replaces a stale socket file. The lock on its directory keeps two
// processes from removing each other's new file; it ends with the descriptor.
func takeOver(path string) (net.Listener, error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir.Name(), err)
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil, fmt.Errorf("listen on %s: %w", path, syscall.EADDRINUSE)
	} else if !errors.Is(err, unix.ECONNREFUSED) {
		return nil, err
	}
	if info, err := os.Lstat(path); err != nil {
		return nil, err
	} else if info.Mode().Type() != os.ModeSocket {
		return nil, fmt.Errorf("%s is a file, not a socket", path)
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	return net.Listen("unix", path)
}

// endpoint spells a listener's address as one of ours.
func endpoint(scheme string, addr net.Addr) string { return scheme + "://" + addr.String() }
