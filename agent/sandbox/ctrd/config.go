package ctrd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// Config says which containerd to use, and how. Only Log is required.
type Config struct {
	// Address is the path of containerd's socket; "" is /run/containerd/containerd.sock.
	Address string
	// Namespace is containerd's namespace, ours alone; "" is "ingot".
	Namespace string
	// Snapshotter makes root file systems; "" is "overlayfs".
	Snapshotter string
	// FIFODir holds the containers' streams, one directory each. It is made when
	// needed, and must be one that containerd's shims see too; "" is
	// /run/ingot/NAMESPACE.
	FIFODir string
	// DeviceDirs hold the descriptions of devices that containers may get (CDI);
	// nil is /etc/cdi and /var/run/cdi.
	DeviceDirs []string
	// Watchdog bounds each step that a shim takes part in: beyond it the shim is
	// killed. 0 is one minute.
	Watchdog time.Duration
	// StreamGrace bounds how long a read of an output may wait for bytes once the
	// process has ended. 0 is three seconds.
	StreamGrace time.Duration
	// Log takes what no caller can be told, as an image that cannot be read.
	Log *slog.Logger
	// Observe, if not nil, is told how long each step took, whatever came of it.
	// It is called from many goroutines and must not block.
	Observe func(step string, took time.Duration)
}

// complete fills in what was left out and refuses what cannot be.
func (c *Config) complete() error {
	if c.Log == nil {
		return errors.New("containerd configuration without a log")
	}
	c.Address = cmp.Or(c.Address, "/run/containerd/containerd.sock")
	c.Namespace = cmp.Or(c.Namespace, "ingot")
	if err := CheckNamespace(c.Namespace); err != nil {
		return fmt.Errorf("containerd namespace: %w", err)
	}
	c.Snapshotter = cmp.Or(c.Snapshotter, "overlayfs")
	c.FIFODir = cmp.Or(c.FIFODir, filepath.Join("/run/ingot", c.Namespace))
	c.Watchdog = cmp.Or(c.Watchdog, time.Minute)
	c.StreamGrace = cmp.Or(c.StreamGrace, 3*time.Second)
	return nil
}

// CheckNamespace reports what keeps a name from being one of containerd's namespaces.
func CheckNamespace(name string) error {
	_, err := namespaces.NamespaceRequired(namespaces.WithNamespace(context.Background(), name))
	return err
}
