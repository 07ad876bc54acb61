package ctrd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/errdefs"
)

func (c *container) Delete(ctx context.Context) error {
	c.deleting.Lock()
	defer c.deleting.Unlock()
	if c.deleted {
		return nil
	}
	if err := c.remove(ctx); err != nil {
		return fmt.Errorf("delete container %s: %w", c.id, classify(err))
	}
	return nil
}

// remove is Delete, with c.deleting held. No step runs on the caller's context.
func (c *container) remove(ctx context.Context) error {
	if err := c.unmake(ctx); err != nil {
		return err
	}
	c.deleted = true
	c.r.leave(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tell()
	return nil
}

// unmake removes what there is of the container, in the reverse of the order in
// which it was made.
func (c *container) unmake(ctx context.Context) error {
	switch {
	case c.stuck:
		if err := c.r.killShim(ctx, c.id); err != nil {
			return err
		}
	case c.gone != nil && !c.ended():
		if err := c.end(ctx); err != nil {
			return err
		}
	}
	if c.io != nil {
		c.io.drain()
	}
	if err := c.r.deleteTask(ctx, c.id); err != nil {
		return err
	}
	if c.io != nil {
		if err := c.io.close(); err != nil {
			return fmt.Errorf("close streams: %w", err)
		}
	}
	return c.r.deleteRecord(ctx, c.id)
}

// end kills the process and waits until it is gone.
func (c *container) end(ctx context.Context) error {
	err := c.r.kill(ctx, c.id)
	if err == nil {
		err = c.awaitGone(c.r.cfg.Watchdog)
	}
	if err == nil {
		return nil
	}
	// It does not answer, or cannot kill: its shim's death makes containerd do it.
	// So it is with gVisor before the start, whose shim would wait for an end.
	e := c.r.killShim(ctx, c.id)
	if e == nil {
		e = c.awaitGone(c.r.cfg.Watchdog)
	}
	if e != nil {
		return errors.Join(err, e)
	}
	return nil
}

// awaitGone waits for the end of the task's process.
func (c *container) awaitGone(most time.Duration) error {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-c.gone:
		return nil
	case <-timer.C:
		return fmt.Errorf("wait for the end: %w", errWatchdog)
	}
}

// deleteTask removes a task that has ended, and its shim. A shim that does not
// do it is killed, and one that is dead is cleaned up by containerd, in its own
// time: until that is done it refuses, and then has never heard of the task.
func (r *Runtime) deleteTask(ctx context.Context, id string) error {
	do := func(ctx context.Context) error {
		_, err := r.tasks.Delete(ctx, &tasksapi.DeleteTaskRequest{ContainerID: id})
		return err
	}
	if r.sure(ctx, "delete task", do) == nil {
		return nil
	}
	if err := r.killShim(ctx, id); err != nil {
		return err
	}
	return r.sure(ctx, "delete task of a dead shim", func(ctx context.Context) error {
		for {
			err := toNative(do(ctx))
			if err == nil || errdefs.IsNotFound(err) || !pause(ctx, retryPause) {
				return err
			}
		}
	})
}

// deleteRecord removes all but the task: FIFOs, snapshot, and the record at last.
func (r *Runtime) deleteRecord(ctx context.Context, id string) error {
	if err := os.RemoveAll(filepath.Join(r.cfg.FIFODir, id)); err != nil {
		return fmt.Errorf("remove streams: %w", err)
	}
	err := r.sure(ctx, "remove snapshot", func(ctx context.Context) error {
		return r.snapshots.Remove(ctx, id)
	})
	if err != nil {
		return err
	}
	return r.sure(ctx, "delete record", func(ctx context.Context) error {
		return r.records.Delete(ctx, id)
	})
}
