package ctrd

import (
	"context"
	"errors"
	"fmt"
	"sync"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/core/snapshots"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// Runtime is a [sandbox.Runtime] on containerd; [Connect] makes it.
type Runtime struct {
	cfg    Config
	client *client.Client

	// The services that a container's life needs, of client.
	tasks     tasksapi.TasksClient
	records   containers.Store
	snapshots snapshots.Snapshotter

	images  imageCache
	changes chan struct{}

	ctx  context.Context // the runtime's life: watchers run on it
	stop context.CancelCauseFunc
	wg   sync.WaitGroup // the watchers

	mu   sync.Mutex
	live map[string]*container // from Create to Delete
}

var _ sandbox.Runtime = (*Runtime)(nil)

var errClosed = errors.New("the container runtime's client was closed")

// Close ends the connection. Containers are left as they are, and nothing more
// is told of them.
func (r *Runtime) Close() error {
	r.stop(errClosed)
	err := r.client.Close()
	r.wg.Wait()
	return err
}

// Changes implements [sandbox.Runtime].
func (r *Runtime) Changes() <-chan struct{} { return r.changes }

// join makes c known to the watchers and to Sweep. It refuses a second
// container of one ID.
func (r *Runtime) join(c *container) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live[c.id] != nil {
		return fmt.Errorf("%w: container exists", sandbox.ErrBadRequest)
	}
	r.live[c.id] = c
	return nil
}

func (r *Runtime) leave(c *container) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live[c.id] == c {
		delete(r.live, c.id)
	}
}

func (r *Runtime) find(id string) *container {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.live[id]
}

// hintAll tells every container's watcher to look at its task.
func (r *Runtime) hintAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.live {
		c.hint()
	}
}
