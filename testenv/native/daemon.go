package native

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Config says how to run a containerd.
type Config struct {
	// Dir is an absolute path to an existing directory for everything the daemon
	// keeps. It should be short: it holds unix sockets.
	Dir string
	// Log takes the daemon's log; nil throws it away.
	Log io.Writer
}

// Daemon is a containerd with a root, state and socket of its own. Its methods
// are for one goroutine. Its shims outlive it: call it inside [Enter]'s
// namespaces, which end them.
type Daemon struct {
	cfg  Config
	cmd  *exec.Cmd
	done chan error // the daemon's end, once
}

// configTemplate is the least containerd that runs containers. CRI is
// Kubernetes' way in and slows the start. no_sync (from 2.1 on; older daemons
// ignore it) spares an fsync per change of metadata: nothing here is to outlive
// a power cut. A daemon that is started again kills shims that do not answer in
// time, with their containers; on a busy machine that is more than the usual 5 s.
const configTemplate = `version = 2
root = "%[1]s/root"
state = "%[1]s/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt",
	"io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
	"io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]

[grpc]
address = "%[1]s/containerd.sock"

[plugins."io.containerd.metadata.v1.bolt"]
no_sync = true

[timeouts]
"io.containerd.timeout.shim.load" = "5m"
`

// Start runs containerd and returns when it serves. If ctx ends first, or the
// daemon does, the error says what it logged last.
func Start(ctx context.Context, cfg Config) (*Daemon, error) {
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	d := &Daemon{cfg: cfg}
	conf := fmt.Sprintf(configTemplate, cfg.Dir)
	if err := os.WriteFile(d.configFile(), []byte(conf), 0o600); err != nil {
		return nil, fmt.Errorf("write containerd's configuration: %w", err)
	}
	if err := d.Run(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// Address is the path of the daemon's socket.
func (d *Daemon) Address() string { return filepath.Join(d.cfg.Dir, "containerd.sock") }

func (d *Daemon) configFile() string { return filepath.Join(d.cfg.Dir, "config.toml") }

// Restart stops the daemon and starts it again. Containers go on meanwhile.
func (d *Daemon) Restart(ctx context.Context) error {
	return errors.Join(d.Stop(), d.Run(ctx))
}

// Stop ends the daemon, not its containers. Stopping it twice is no error.
func (d *Daemon) Stop() error {
	if d.cmd == nil {
		return nil
	}
	if err := d.cmd.Process.Signal(unix.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop containerd: %w", err)
	}
	timer := time.AfterFunc(10*time.Second, func() { _ = d.cmd.Process.Kill() })
	defer timer.Stop()
	return d.ended()
}

// Kill ends the daemon as a crash would.
func (d *Daemon) Kill() error {
	if d.cmd == nil {
		return nil
	}
	if err := d.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill containerd: %w", err)
	}
	return d.ended()
}

// ended waits for the daemon's end, however it says that it has ended.
func (d *Daemon) ended() error {
	err := <-d.done
	d.cmd = nil
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil
	}
	return err
}

// Run starts a daemon that was stopped, and waits for the notice that it sends
// when it serves.
func (d *Daemon) Run(ctx context.Context) error {
	notices, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(d.cfg.Dir, "notify.sock"), Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("listen for containerd's start: %w", err)
	}
	defer func() {
		_ = notices.Close() // ends the reader below
		_ = os.Remove(notices.LocalAddr().String())
	}()

	var tail tailWriter
	cmd := exec.Command("containerd", "--config", d.configFile())
	cmd.Stdout, cmd.Stderr = d.cfg.Log, io.MultiWriter(d.cfg.Log, &tail)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+notices.LocalAddr().String())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for the command only
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start containerd: %w", err)
	}
	done, ready := make(chan error, 1), make(chan struct{})
	go func() { done <- cmd.Wait() }()
	go awaitReady(notices, ready)
	d.cmd, d.done = cmd, done
	select {
	case <-ready:
		return nil
	case err := <-done:
		d.cmd = nil
		return fmt.Errorf("containerd ended at its start (%w): %s", err, tail.last)
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("start containerd: %w", context.Cause(ctx)), d.Kill())
	}
}

// awaitReady closes ready when a notice says so, and returns at the latest when
// notices is closed.
func awaitReady(notices *net.UnixConn, ready chan<- struct{}) {
	buf := make([]byte, 512)
	for {
		n, err := notices.Read(buf)
		if err != nil {
			return
		}
		if bytes.Contains(buf[:n], []byte("READY=1")) {
			close(ready)
			return
		}
	}
}

// tailWriter keeps the last thing written: containerd writes a line at a time.
type tailWriter struct{ last []byte }

func (w *tailWriter) Write(p []byte) (int, error) {
	w.last = append(w.last[:0], bytes.TrimSpace(p)...)
	return len(p), nil
}
