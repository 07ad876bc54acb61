package ctrd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types/runc/options"
	runtimeoptions "github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/errdefs"
	"github.com/containerd/typeurl/v2"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

const (
	runcShim  = "io.containerd.runc.v2" // the runtime name that "" means
	runscShim = "io.containerd.runsc.v1"
)

// Create implements [sandbox.Runtime]. When ctx ends, the step that is under way
// is finished before all is undone.
func (r *Runtime) Create(ctx context.Context, s sandbox.Spec) (sandbox.Container, error) {
	c, err := r.create(ctx, s)
	if err != nil {
		err = fmt.Errorf("create container %q: %w", s.ID, classify(err))
	}
	if c == nil {
		return nil, err
	}
	return c, err
}

func (r *Runtime) create(ctx context.Context, s sandbox.Spec) (*container, error) {
	if s.OCI == nil || s.OCI.Process == nil || len(s.OCI.Process.Args) == 0 {
		return nil, fmt.Errorf("%w: no process to run", sandbox.ErrBadRequest)
	}
	img, err := r.resolve(ctx, s.Image)
	if err != nil {
		return nil, err
	}
	if s.ImageID != "" && s.ImageID != img.ID {
		return nil, fmt.Errorf("%w: %s is %s now", sandbox.ErrNoImage, s.Image, img.ID)
	}
	record, err := r.record(s)
	if err != nil {
		return nil, err
	}
	c := newContainer(r, s.ID)
	c.deleting.Lock() // whoever finds it in r.live waits until it is whole
	defer c.deleting.Unlock()
	if err := r.join(c); err != nil {
		return nil, err
	}
	err = r.step(ctx, "create record", func(ctx context.Context) error {
		_, err := r.records.Create(ctx, record)
		return err
	})
	if err != nil && !hung(err) && !errdefs.IsUnavailable(err) { // refused: nothing was made, and what is there is not ours
		r.leave(c)
		return nil, err
	}
	if err == nil {
		err = c.build(ctx, s, img)
	}
	if err == nil {
		return c, nil
	}
	if left := c.remove(ctx); left != nil {
		return c, errors.Join(err, left)
	}
	return nil, err
}

// record is what containerd is to remember of the container.
func (r *Runtime) record(s sandbox.Spec) (containers.Container, error) {
	full, err := inject(s.OCI, s.Devices, r.cfg.DeviceDirs)
	if err != nil {
		return containers.Container{}, err
	}
	oci := *full
	oci.Annotations = annotations(s.Handler, oci.Annotations)
	oci.Root = &specs.Root{Path: "rootfs"} // where the shim mounts the snapshot, in its bundle
	if s.OCI.Root != nil {
		oci.Root.Readonly = s.OCI.Root.Readonly
	}
	spec, err := typeurl.MarshalAny(&oci)
	if err != nil {
		return containers.Container{}, fmt.Errorf("encode specification: %w", err)
	}
	runtime, err := runtimeInfo(s.Handler)
	if err != nil {
		return containers.Container{}, err
	}
	return containers.Container{
		ID:          s.ID,
		Labels:      s.Labels,
		Image:       s.Image,
		Runtime:     runtime,
		Spec:        spec,
		Snapshotter: r.cfg.Snapshotter,
		SnapshotKey: s.ID,
	}, nil
}

func runtimeInfo(h sandbox.Handler) (containers.RuntimeInfo, error) {
	name := cmp.Or(h.Name, runcShim)
	var text any = &options.Options{BinaryName: h.Binary}
	if name != runcShim {
		if h.Config == "" {
			return containers.RuntimeInfo{Name: name}, nil
		}
		// By this name of the type shims know that the file is for them.
		text = &runtimeoptions.Options{TypeUrl: name + ".options", ConfigPath: h.Config}
	}
	opts, err := typeurl.MarshalAny(text)
	if err != nil {
		return containers.RuntimeInfo{}, fmt.Errorf("encode runtime options: %w", err)
	}
	return containers.RuntimeInfo{Name: name, Options: opts}, nil
}

// build makes all of the container but its record. ctx is looked at between the
// steps. Whatever was made when it fails is for Delete.
func (c *container) build(ctx context.Context, s sandbox.Spec, img *image) error {
	mounts, err := c.r.prepare(ctx, s.ID, img)
	if err != nil {
		return err
	}
	if err := moveLayer(mounts, s.Layer); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	dir := filepath.Join(c.r.cfg.FIFODir, s.ID)
	if c.io, err = openStreams(dir, c.r.cfg.StreamGrace); err != nil {
		return fmt.Errorf("open streams: %w: %w", sandbox.ErrUnavailable, err)
	}
	req := &tasksapi.CreateTaskRequest{
		ContainerID: s.ID,
		Rootfs:      mount.ToProto(rootMounts(mounts, s.OCI)),
		Stdin:       c.io.path("stdin"),
		Stdout:      c.io.path("stdout"),
		Stderr:      c.io.path("stderr"),
	}
	err = c.r.step(ctx, "create task", func(ctx context.Context) error {
		task, err := c.r.tasks.Create(ctx, req)
		if err == nil {
			c.pid = int(task.Pid)
		}
		return err
	})
	if err != nil {
		c.stuck = hung(err)
		return errors.Join(err, missing(s.Handler))
	}
	c.watch()
	return context.Cause(ctx)
}

// moveLayer makes the snapshot's overlay write to dir instead of to a directory
// of containerd's, if dir is not "".
func moveLayer(mounts []mount.Mount, dir string) error {
	if dir == "" {
		return nil
	}
	moved := 0
	for _, m := range mounts {
		for i, option := range m.Options {
			name, _, _ := strings.Cut(option, "=")
			part := map[string]string{"upperdir": "upper", "workdir": "work"}[name]
			if m.Type != "overlay" || part == "" {
				continue
			}
			path := filepath.Join(dir, part)
			if err := makeRoot(path); err != nil {
				return fmt.Errorf("make the layer: %w", err)
			}
			m.Options[i] = name + "=" + optionEscapes.Replace(path)
			moved++
		}
	}
	if moved != 2 {
		return fmt.Errorf("%w: the snapshotter writes where it likes, not to a layer of the caller's", sandbox.ErrBadRequest)
	}
	return nil
}

// optionEscapes keeps a path one option of an overlay.
var optionEscapes = strings.NewReplacer(`\`, `\\`, `,`, `\,`, `:`, `\:`)

// makeRoot makes a directory with the mode of a root directory.
func makeRoot(path string) error {
	if err := os.Mkdir(path, 0o755); err != nil {
		return err
	}
	return os.Chmod(path, 0o755)
}

// rootMounts adapts the snapshot's mounts to this container.
func rootMounts(mounts []mount.Mount, oci *specs.Spec) []mount.Mount {
	for i := range mounts {
		if mounts[i].Type == "overlay" {
			// The copy dies with the container: neither its processes' fsync nor
			// its unmounting need wait for a disk. (Linux 5.10.)
			mounts[i].Options = append(mounts[i].Options, "volatile")
		}
		if oci.Linux != nil && oci.Linux.MountLabel != "" {
			mounts[i].Options = append(mounts[i].Options, fmt.Sprintf("context=%q", oci.Linux.MountLabel))
		}
	}
	return mounts
}
