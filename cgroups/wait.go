package cgroups

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// again is after how long waitEvent looks without having been told to. The
// kernel holds notices back for some milliseconds and drops one whose group is
// removed in that time.
const again = time.Second

// waitEmpty waits until no process is left in the group and beneath it.
func (g *Group) waitEmpty(ctx context.Context) error { return g.waitEvent(ctx, "populated", 0) }

// waitEvent waits until key in cgroup.events is want. The file can be polled and
// is ready at each change, so Go's own poller does the waiting. The error is
// the cause of ctx if that ended, or one that satisfies gone.
func (g *Group) waitEvent(ctx context.Context, key string, want int64) error {
	f, err := os.Open(g.file("cgroup.events"))
	if err != nil {
		return err
	}
	defer f.Close()
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) }) // at once
	defer stop()
	for {
		if err := f.SetReadDeadline(time.Now().Add(again)); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var found bool
		var readErr error
		err := conn.Read(func(uintptr) bool {
			found, readErr = lookFor(f, key, want)
			return found || readErr != nil
		})
		if readErr != nil {
			return readErr
		}
		if found || err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
}

func lookFor(f io.ReaderAt, key string, want int64) (bool, error) {
	var b [256]byte
	n, err := f.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	got := int64(-1)
	err = parseFlat(bytes.NewReader(b[:n]), map[string]*int64{key: &got})
	return got == want, err
}
