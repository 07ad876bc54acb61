package ctrd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"time"

	introspection "github.com/containerd/containerd/api/services/introspection/v1"
	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/plugins"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// The oldest containerd that this package was made for.
const minMajor, minMinor = 1, 6

// Connect returns a runtime on the containerd at cfg.Address. The error is of
// class [sandbox.ErrUnavailable], and one line says what to do about it: nothing
// listens there, the socket is not for us, or containerd is too old or lacks
// the snapshotter. ctx bounds the call only; [Runtime.Close] ends the runtime.
func Connect(ctx context.Context, cfg Config) (*Runtime, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if err := knock(ctx, cfg.Address); err != nil {
		return nil, err
	}
	cl, err := client.New(cfg.Address,
		client.WithDefaultNamespace(cfg.Namespace),
		// A restart of containerd is an interruption, not a failure: calls wait
		// for it, each within its own bound, and we are back soon after it is.
		client.WithCallOpts([]grpc.CallOption{grpc.WaitForReady(true)}),
		client.WithExtraDialOpts([]grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 5 * time.Second,
		})}))
	if err != nil {
		return nil, fmt.Errorf("connect to containerd at %s: %w: %w", cfg.Address, sandbox.ErrUnavailable, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, cfg.Watchdog, errWatchdog)
	defer cancel()
	if err := fit(ctx, cl, cfg.Snapshotter); err != nil {
		return nil, errors.Join(fmt.Errorf("containerd at %s: %w", cfg.Address, err), cl.Close())
	}
	r := &Runtime{
		cfg:       cfg,
		client:    cl,
		tasks:     cl.TaskService(),
		records:   cl.ContainerService(),
		snapshots: cl.SnapshotService(cfg.Snapshotter),
		changes:   make(chan struct{}, 1),
		live:      make(map[string]*container),
	}
	r.ctx, r.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	r.wg.Go(r.watchEvents)
	return r, nil
}

// knock reports, in words for an operator, why nothing can be reached at path.
// A gRPC connection would say so late and less clearly.
func knock(ctx context.Context, path string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		return conn.Close()
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("%w: containerd is not running at %s: install or start it, or give its address", sandbox.ErrUnavailable, path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: no permission to use containerd at %s: run as root", sandbox.ErrUnavailable, path)
	}
	return fmt.Errorf("%w: connect to containerd: %w", sandbox.ErrUnavailable, err)
}

// fit reports why the daemon cannot serve us, if it cannot.
func fit(ctx context.Context, cl *client.Client, snapshotter string) error {
	v, err := cl.Version(ctx)
	if err != nil {
		return fmt.Errorf("read version: %w", classify(err))
	}
	if tooOld(v.Version) {
		return fmt.Errorf("%w: version %s is too old: %d.%d is the least", sandbox.ErrUnavailable, v.Version, minMajor, minMinor)
	}
	filter := fmt.Sprintf("type==%s,id==%q", plugins.SnapshotPlugin, snapshotter)
	found, err := cl.IntrospectionService().Plugins(ctx, filter)
	if err != nil {
		return fmt.Errorf("list snapshotters: %w", classify(err))
	}
	return usable(found, snapshotter)
}

func usable(found *introspection.PluginsResponse, snapshotter string) error {
	if len(found.Plugins) == 0 {
		return fmt.Errorf("%w: it has no snapshotter %q", sandbox.ErrUnavailable, snapshotter)
	}
	if e := found.Plugins[0].InitErr; e != nil {
		return fmt.Errorf("%w: its snapshotter %q does not work: %s", sandbox.ErrUnavailable, snapshotter, e.Message)
	}
	return nil
}

// tooOld reports whether a version like "1.6.20~ds1" or "v2.0.0-rc.1" is below
// the least. One without numbers is a build of somebody who knows.
func tooOld(version string) bool {
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, errX := strconv.Atoi(major)
	y, errY := strconv.Atoi(minor)
	if errX != nil || errY != nil {
		return false
	}
	return x < minMajor || x == minMajor && y < minMinor
}
