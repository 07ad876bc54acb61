package sandboxtest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"sync"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// Program is what a fake container runs: its result is the exit code. Its
// streams are closed when it returns. ctx ends when the container is killed;
// the program must then return soon, though the container counts as ended at
// once.
type Program func(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, spec *specs.Spec) int

// Call is a method of a runtime or of a container.
type Call string

// Calls that [Fake.Before] hears of.
const (
	Create Call = "create"
	Start  Call = "start"
	Kill   Call = "kill"
	Delete Call = "delete"
)

// Fake is a [sandbox.Runtime] in memory. Its methods may be called from any goroutine.
type Fake struct {
	// Before, if not nil, is called before each Create, Start, Kill and Delete of a
	// container of s, in the goroutine of the call. An error is the call's, which
	// then does nothing. It must be set before the first use.
	Before func(ctx context.Context, call Call, s sandbox.Spec) error

	changes chan struct{}

	mu         sync.Mutex
	images     []fakeImage
	containers map[string]*container
}

type fakeImage struct {
	sandbox.Image
	program Program
}

var _ sandbox.Runtime = (*Fake)(nil)

// NewFake returns a runtime without images.
func NewFake() *Fake {
	return &Fake{changes: make(chan struct{}, 1), containers: make(map[string]*container)}
}

// AddImage adds an image, in place of one of the same Ref, and signals the change.
func (f *Fake) AddImage(img sandbox.Image, p Program) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(img.Ref)
	f.images = append(f.images, fakeImage{img, p})
	f.changed()
}

// RemoveImage removes an image, if it is there, and signals the change.
func (f *Fake) RemoveImage(ref string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(ref)
	f.changed()
}

func (f *Fake) drop(ref string) {
	f.images = slices.DeleteFunc(f.images, func(i fakeImage) bool { return i.Ref == ref })
}

func (f *Fake) changed() {
	select {
	case f.changes <- struct{}{}:
	default: // one is waiting to be read
	}
}

// Left lists the IDs of the containers that nobody has deleted, sorted.
func (f *Fake) Left() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.containers))
}

// Images implements [sandbox.Runtime].
func (f *Fake) Images(ctx context.Context, label string) ([]sandbox.Image, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []sandbox.Image
	for _, i := range f.images {
		if _, ok := i.Labels[label]; ok || label == "" {
			found = append(found, i.Image)
		}
	}
	slices.SortStableFunc(found, func(a, b sandbox.Image) int { return b.Created.Compare(a.Created) })
	return found, nil
}

// Changes implements [sandbox.Runtime].
func (f *Fake) Changes() <-chan struct{} { return f.changes }

// Create implements [sandbox.Runtime].
func (f *Fake) Create(ctx context.Context, s sandbox.Spec) (sandbox.Container, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("create container %s: %w", s.ID, err)
	}
	if err := f.before(ctx, Create, s); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.create(s)
	if err != nil {
		return nil, fmt.Errorf("create container %q: %w", s.ID, err)
	}
	f.containers[s.ID] = c
	return c, nil
}

func (f *Fake) before(ctx context.Context, call Call, s sandbox.Spec) error {
	if f.Before == nil {
		return nil
	}
	return f.Before(ctx, call, s)
}

// Lose ends a running container as if nobody knew how it ended: its exit has an
// error. One that does not run is left as it is.
func (f *Fake) Lose(id string, err error) {
	f.mu.Lock()
	c := f.containers[id]
	f.mu.Unlock()
	if c != nil {
		c.end(sandbox.Exit{Err: err})
		c.stop(errKilled)
	}
}

// create checks s as a real runtime would and makes its container.
func (f *Fake) create(s sandbox.Spec) (*container, error) {
	i := slices.IndexFunc(f.images, func(i fakeImage) bool { return i.Ref == s.Image })
	switch {
	case s.OCI == nil || s.OCI.Process == nil || len(s.OCI.Process.Args) == 0:
		return nil, fmt.Errorf("%w: no process to run", sandbox.ErrBadRequest)
	case !idPattern.MatchString(s.ID) || len(s.ID) > maxID:
		return nil, fmt.Errorf("%w: bad container ID", sandbox.ErrBadRequest)
	case f.containers[s.ID] != nil:
		return nil, fmt.Errorf("%w: container exists", sandbox.ErrBadRequest)
	case i < 0:
		return nil, fmt.Errorf("%w: %q", sandbox.ErrNoImage, s.Image)
	case s.ImageID != "" && s.ImageID != f.images[i].ID:
		return nil, fmt.Errorf("%w: %q is %s now", sandbox.ErrNoImage, s.Image, f.images[i].ID)
	case s.Handler.Name != "" && s.Handler.Name != "io.containerd.runc.v2":
		return nil, fmt.Errorf("%w: %q", sandbox.ErrNoRuntime, s.Handler.Name)
	case s.Handler.Binary != "" && s.Handler.Binary != "runc" && s.Handler.Binary != "crun":
		return nil, fmt.Errorf("%w: %q", sandbox.ErrNoRuntime, s.Handler.Binary)
	case len(s.Devices) > 0:
		return nil, fmt.Errorf("%w: %q", sandbox.ErrNoDevice, s.Devices)
	}
	return newContainer(f, s, f.images[i].program), nil
}

// idPattern is containerd's rule for identifiers, as is their greatest length.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$`)

const maxID = 76

// Sweep implements [sandbox.Runtime].
func (f *Fake) Sweep(ctx context.Context, labels map[string]string) (int, error) {
	if len(labels) == 0 {
		return 0, fmt.Errorf("sweep: %w: no labels", sandbox.ErrBadRequest)
	}
	f.mu.Lock()
	var found []*container
	for _, c := range f.containers {
		if matches(c.spec.Labels, labels) {
			found = append(found, c)
		}
	}
	f.mu.Unlock()
	for _, c := range found {
		if err := c.Delete(ctx); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

func matches(have, want map[string]string) bool {
	for k, v := range want {
		if got, ok := have[k]; !ok || got != v {
			return false
		}
	}
	return true
}
