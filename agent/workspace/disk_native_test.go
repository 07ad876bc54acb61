//go:build native || vm

package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Whoever fills the job's disk is told, and the grading container's own is
// another.
func TestDiskIsBounded(t *testing.T) {
	d := openState(t, 1<<20, 100)
	w := newWork(t, d, Job{ID: "j1", Course: "c", Task: "t"})
	other := newWork(t, d, Job{ID: "j2", Course: "c", Task: "t"})
	student, err := w.Layer("s1", false)
	must(t, err)
	grader, err := w.Layer("grader", true)
	must(t, err)
	f, err := os.Create(student + "/fill")
	must(t, err)
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	must(t, f.Close())
	if !errors.Is(err, unix.ENOSPC) {
		t.Errorf("bytes: %v", err)
	}
	if err := os.WriteFile(w.Task+"/more", make([]byte, 64<<10), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("the task beside a student: %v", err)
	}
	for _, free := range []string{grader, other.Task} {
		must(t, os.WriteFile(free+"/some", make([]byte, 64<<10), 0o600))
	}
	if !w.Full() || other.Full() {
		t.Error("the full one is not full, or the other is")
	}
	must(t, w.RemoveLayer(t.Context(), "s1"), w.RemoveLayer(t.Context(), "s1"), os.WriteFile(w.Sockets+"/some", make([]byte, 64<<10), 0o600))
	err = nil
	for i := 0; err == nil && i < 200; i++ {
		err = os.WriteFile(fmt.Sprintf("%s/%d", w.Sockets, i), nil, 0o600)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Errorf("files: %v", err)
	}
	for name, want := range map[string]error{"grader": fs.ErrExist, "../x": ErrID, "": ErrID, "a/b": ErrID} {
		if _, err := w.Layer(name, true); !errors.Is(err, want) {
			t.Errorf("layer %q: %v", name, err)
		}
	}
	if layer, err := newWork(t, openState(t, 0, 0), Job{ID: "j3"}).Layer("s1", false); layer != "" || err != nil {
		t.Errorf("without a bound: layer %q, %v", layer, err)
	}
}

// What a fresh file system costs does not grow with its size.
func TestFreshDisksAreSmall(t *testing.T) {
	d := openState(t, 64<<30, 1<<20)
	written := 0
	for _, e := range d.disks.empty {
		written += len(e.data)
	}
	if written > 4<<20 {
		t.Errorf("%d bytes are written to make one", written)
	}
	w := newWork(t, d, Job{ID: "j1", Course: "c", Task: "t"})
	var st unix.Statfs_t
	must(t, unix.Statfs(w.dir, &st))
	if size := int64(st.Bavail) * st.Bsize; size < 60<<30 || st.Ffree < 1<<20-100 {
		t.Errorf("room for %d bytes and %d files", size, st.Ffree)
	}
}

// No file that a job makes gives its user rights, or is a device, wherever it is
// mounted.
func TestFilesOfJobsAreNoDevicesOrSetuid(t *testing.T) {
	w := newWork(t, openState(t, 1<<20, 100), Job{ID: "j1", Course: "c", Task: "t"})
	grader, err := w.Layer("grader", true)
	must(t, err)
	const want = unix.ST_NOSUID | unix.ST_NODEV
	for _, path := range []string{w.Task, w.Sockets, grader} {
		var st unix.Statfs_t
		must(t, unix.Statfs(path, &st))
		if st.Flags&want != want {
			t.Errorf("%s: mounted with %#x", path, st.Flags)
		}
	}
}
