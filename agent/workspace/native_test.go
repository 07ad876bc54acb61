//go:build native || vm

package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

var courses = map[string]string{
	"tasks/c/t/run":              "#!/bin/sh",
	"tasks/c/t/student/given":    "given",
	"tasks/c/t/big":              strings.Repeat("x", 1<<20),
	"tasks/c/t/link":             "-> /etc/passwd",
	"tasks/c/$common/lib":        "lib",
	"tasks/c/$common/student/h":  "help",
	"tasks/half/t/run":           "",
	"tasks/half/$common/lib":     "lib",
	"tasks/bare/a:b,c\\d e/run":  "odd",
	"tasks/bare/linked/student":  "-> /etc",
	"tasks/bare/filed/student":   "a file",
	"state/":                     "",
	"tasks/bare/\u00e9=lowerdir": "",
}

// open opens a state directory of the test's own, with courses.
func openState(t *testing.T, bytes, inodes int64) *Dir {
	t.Helper()
	tier.Require(t, tier.Native, tier.VM)
	root := tree(t, courses)
	d, err := Open(t.Context(), Config{
		Tasks: filepath.Join(root, "tasks"), State: filepath.Join(root, "state"), DiskBytes: bytes, DiskInodes: inodes,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if m := mounts(t, root); len(m) != 0 {
			t.Errorf("mounts left: %q", m)
		}
	})
	return d
}

func newWork(t *testing.T, d *Dir, j Job) *Workspace {
	t.Helper()
	w, err := d.New(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Remove(t.Context()); err != nil && !errors.Is(err, t.Context().Err()) {
			t.Error(err)
		}
	})
	return w
}

// mounts lists the mount points beneath dir.
func mounts(t *testing.T, dir string) (found []string) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); strings.HasPrefix(f[4], dir+"/") {
			found = append(found, f[4])
		}
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestJobSeesItsCourse(t *testing.T) {
	for name, disk := range map[string]int64{"on disk": 0, "bounded": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			d := openState(t, disk, disk/1024)
			w := newWork(t, d, Job{ID: "j1", Course: "c", Task: "t"})
			if w.Copied {
				t.Error("copied")
			}
			if got := read(t, w.Task+"/student/given") + read(t, w.Common+"/lib") + read(t, w.CommonStudent+"/h") +
				read(t, w.Common+"/student/h"); got != "givenlibhelphelp" {
				t.Errorf("sees %q", got)
			}
			if target, err := os.Readlink(w.Task + "/link"); err != nil || target != "/etc/passwd" {
				t.Errorf("link %q, %v", target, err)
			}
			for _, dir := range []string{w.Task, w.Sockets} {
				if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o777 {
					t.Errorf("%s: %v, %v", dir, info, err)
				}
			}
			// What graders do at the start and in the end, as root.
			must(t, exec.Command("chown", "-R", "4242:4242", w.Task).Run(), exec.Command("chmod", "-R", "0777", w.Task).Run(),
				os.Rename(w.Task+"/student", w.Task+"/renamed"), os.WriteFile(w.Task+"/run", []byte("changed"), 0o777),
				os.Remove(w.Task+"/big"))
			must(t, w.Remove(t.Context()), w.Remove(t.Context()))
			course := filepath.Join(d.config.Tasks, "c/t")
			if read(t, course+"/run") != "#!/bin/sh" || len(read(t, course+"/big")) != 1<<20 || read(t, course+"/student/given") != "given" {
				t.Error("the course was changed")
			}
			if entries, err := os.ReadDir(d.jobs); err != nil || len(entries) != 0 {
				t.Errorf("left: %v, %v", entries, err)
			}
			w = newWork(t, d, Job{ID: "j1", Course: "c", Task: "t"}) // the id is free again
			if read(t, w.Task+"/run") != "#!/bin/sh" {
				t.Error("the next job sees what the last one wrote")
			}
		})
	}
}

// A change of owner and mode of the whole task must not copy its data: that is
// what makes an overlay cheap for existing graders.
func TestChangingOwnersCopiesNoData(t *testing.T) {
	d := openState(t, 0, 0)
	w := newWork(t, d, Job{ID: "j1", Course: "c", Task: "t"})
	must(t, exec.Command("chown", "-R", "4242:4242", w.Task).Run())
	var st unix.Stat_t
	must(t, unix.Stat(filepath.Join(w.dir, "upper/big"), &st))
	if st.Uid != 4242 || st.Size != 1<<20 || st.Blocks*512 >= 64<<10 { // a block or two are its attributes
		t.Errorf("%d blocks of %d bytes in the upper layer, owner %d", st.Blocks, st.Size, st.Uid)
	}
}

func TestVariants(t *testing.T) {
	d := openState(t, 0, 0)
	none := newWork(t, d, Job{ID: "j1"})
	half := newWork(t, d, Job{ID: "j2", Course: "half", Task: "t"})
	odd := newWork(t, d, Job{ID: "j3", Course: "bare", Task: "a:b,c\\d e"})
	same := newWork(t, d, Job{ID: "j4", Course: "half", Task: "t"}) // two jobs of one task
	for i, task := range []string{"linked", "filed"} {
		w := newWork(t, d, Job{ID: fmt.Sprintf("k%d", i), Course: "bare", Task: task})
		if _, _, err := w.Pin("task/student/x"); !errors.Is(err, ErrBadPath) {
			t.Errorf("%s: %v", task, err)
		}
	}
	if read(t, half.Common+"/lib") != "lib" || read(t, odd.Task+"/run") != "odd" {
		t.Error("content")
	}
	for _, dir := range []string{none.Task, none.Common + "/student", none.CommonStudent, half.Common + "/student",
		half.CommonStudent, half.Task + "/student", odd.Task + "/student", odd.Common + "/student", same.Task + "/student"} {
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Errorf("%s: %v, %v", dir, entries, err)
		}
	}
	for _, j := range []struct {
		Job
		err error
	}{
		{Job{ID: "j1"}, fs.ErrExist}, {Job{ID: "a/b"}, ErrID}, {Job{ID: ".."}, ErrID}, {Job{}, ErrID},
		{Job{ID: "k", Course: "c", Task: "missing"}, ErrNoTask}, {Job{ID: "k", Course: "c", Task: "../x"}, ErrID},
	} {
		if w, err := d.New(t.Context(), j.Job); w != nil || !errors.Is(err, j.err) {
			t.Errorf("%+v: %v", j.Job, err)
		}
	}
	if read(t, odd.Task+"/run") != "odd" {
		t.Error("a refused job disturbed another")
	}
}

// What students of all jobs read is theirs to lock and to watch, each for himself.
func TestStudentsDoNotShareInodes(t *testing.T) {
	d := openState(t, 0, 0)
	mine := newWork(t, d, Job{ID: "j1", Course: "c", Task: "t"})
	his := newWork(t, d, Job{ID: "j2", Course: "c", Task: "t"})
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	must(t, err)
	defer unix.Close(watch)
	_, err = unix.InotifyAddWatch(watch, mine.CommonStudent+"/h", unix.IN_ALL_EVENTS)
	must(t, err)
	for _, path := range []string{filepath.Join(d.config.Tasks, "c/$common/student/h"), his.CommonStudent + "/h"} {
		f, err := os.Open(path)
		must(t, err)
		defer f.Close()
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if n, err := unix.Read(watch, make([]byte, 4096)); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("saw %d bytes of events, %v", n, err)
	}
}

func TestFilesAreMadeOnce(t *testing.T) {
	w := newWork(t, openState(t, 0, 0), Job{ID: "j1"})
	path, err := w.File("c1/hosts", []byte("127.0.0.1 localhost\n"), 0o666)
	must(t, err)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o666 || read(t, path) != "127.0.0.1 localhost\n" {
		t.Errorf("%v, %v", info, err)
	}
	for name, want := range map[string]error{"c1/hosts": fs.ErrExist, "../x": ErrBadPath, "/etc/x": ErrBadPath, "": ErrBadPath} {
		if _, err := w.File(name, nil, 0o600); !errors.Is(err, want) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestOneAgentPerStateDirectory(t *testing.T) {
	d := openState(t, 0, 0)
	if _, err := Open(t.Context(), d.config); !errors.Is(err, ErrInUse) {
		t.Errorf("second agent: %v", err)
	}
}

// An agent that died left mounts and files; the next one removes them and nothing else.
func TestSweep(t *testing.T) {
	for _, disk := range []int64{0, 1 << 20} {
		d := openState(t, disk, 0)
		var paths []string
		for i := range 3 {
			w, err := d.New(t.Context(), Job{ID: fmt.Sprintf("j%d", i), Course: "c", Task: "t"})
			must(t, err)
			_, _, err = w.Pin("task/student")
			must(t, err, os.WriteFile(w.Task+"/x", []byte("x"), 0o600))
			paths = append(paths, w.Task)
		}
		state := filepath.Dir(d.jobs)
		must(t, os.WriteFile(state+"/other", nil, 0o600), os.Symlink(d.config.Tasks, d.jobs+"/link"),
			os.WriteFile(d.jobs+"/file", nil, 0o600), d.Close())
		if len(mounts(t, state)) < 9 {
			t.Fatalf("mounts: %q", mounts(t, state))
		}
		next, err := Open(t.Context(), d.config)
		must(t, err)
		if m := mounts(t, state); len(m) != 0 {
			t.Errorf("mounts: %q", m)
		}
		if entries, err := os.ReadDir(d.jobs); err != nil || len(entries) != 0 {
			t.Errorf("left %v, %v; of %v", entries, err, paths)
		}
		must(t, os.Remove(state+"/other"))
		read(t, filepath.Join(d.config.Tasks, "c/t/run"))
		d.lock = next.lock // closed by the clean-up
	}
}

func TestPinsStayWhatTheyWere(t *testing.T) {
	w := newWork(t, openState(t, 0, 0), Job{ID: "j1", Course: "c", Task: "t"})
	l, err := net.Listen("unix", w.Sockets+"/p1.sock")
	must(t, err)
	defer l.Close()
	dir, releaseDir, err := w.Pin("task/student")
	must(t, err)
	sock, releaseSock, err := w.Pin("sockets/p1.sock")
	must(t, err)

	// The grader now replaces both. The pins stay what they were.
	must(t, os.Rename(w.Task+"/student", w.Task+"/old"), os.Symlink("/etc", w.Task+"/student"),
		os.Remove(w.Sockets+"/p1.sock"), os.Symlink("/etc/passwd", w.Sockets+"/p1.sock"))
	if read(t, dir+"/given") != "given" {
		t.Error("the pinned directory was exchanged")
	}
	c, err := net.Dial("unix", sock)
	must(t, err)
	c.Close()
	must(t, os.WriteFile(dir+"/seen", []byte("by both"), 0o600))
	if read(t, w.Task+"/old/seen") != "by both" {
		t.Error("not the same directory")
	}
	for _, rel := range []string{"task/student", "sockets/p1.sock", "task/link", "task/student/given"} {
		if _, _, err := w.Pin(rel); !errors.Is(err, ErrBadPath) {
			t.Errorf("%s, now a link: %v", rel, err)
		}
	}
	must(t, releaseDir(), releaseDir(), releaseSock())
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("released: %v", err)
	}
	_, later, err := w.Pin("task/old")
	must(t, err, w.Remove(t.Context()), later())
	if _, _, err := w.Pin("task/old"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Remove: %v", err)
	}
}

func TestPinRefuses(t *testing.T) {
	w := newWork(t, openState(t, 0, 0), Job{ID: "j1", Course: "c", Task: "t"})
	must(t, unix.Mkfifo(w.Task+"/fifo", 0o666), unix.Mknod(w.Task+"/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))),
		os.Symlink("..", w.Task+"/up"), os.Symlink(".", w.Task+"/here"), os.Symlink("/proc/self/root", w.Task+"/magic"),
		os.Mkdir(w.Task+"/over", 0o700), unix.Mount("x", w.Task+"/over", "tmpfs", 0, ""), os.Mkdir(w.Task+"/over/x", 0o700))
	for rel, want := range map[string]error{
		"": ErrBadPath, "task": ErrBadPath, "task/": ErrBadPath, "task/.": ErrBadPath, "task/..": ErrBadPath,
		"task/../pins": ErrBadPath, "task/student/..": ErrBadPath, "task//student": ErrBadPath, "/etc": ErrBadPath,
		"upper": ErrBadPath, "pins/1": ErrBadPath, "common/lib": ErrBadPath, "task/missing": fs.ErrNotExist,
		"sockets/missing.sock": fs.ErrNotExist, "task/fifo": ErrBadPath, "task/null": ErrBadPath, "task/up": ErrBadPath,
		"task/up/etc": ErrBadPath, "task/magic/etc": ErrBadPath, "task/link": ErrBadPath, "task/over/x": ErrBadPath,
		"task/here": ErrBadPath, "task/here/student": ErrBadPath,
	} {
		if path, _, err := w.Pin(rel); !errors.Is(err, want) {
			t.Errorf("%q: %q, %v; want %v", rel, path, err, want)
		}
	}
	if err := w.Mkdir("task/student/scripts"); err != nil {
		t.Error(err)
	}
	for _, rel := range []string{"task/up/x", "task/here/x", "task/here"} {
		if err := w.Mkdir(rel); !errors.Is(err, ErrBadPath) {
			t.Errorf("%q: %v", rel, err)
		}
	}
}

// A grader that exchanges a directory and a link all the time never gets the
// link's target pinned.
func TestPinAgainstARace(t *testing.T) {
	d := openState(t, 0, 0)
	w := newWork(t, d, Job{ID: "j1", Course: "c", Task: "t"})
	secret := filepath.Join(filepath.Dir(d.jobs), "secret")
	must(t, os.MkdirAll(secret+"/x", 0o700), os.WriteFile(secret+"/x/mark", nil, 0o600),
		os.MkdirAll(w.Task+"/a/x", 0o700), os.Symlink(secret, w.Task+"/b"))
	stop := make(chan struct{})
	swapped := make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				swapped <- n
				return
			default:
				unix.Renameat2(unix.AT_FDCWD, w.Task+"/a", unix.AT_FDCWD, w.Task+"/b", unix.RENAME_EXCHANGE)
			}
		}
	}()
	pinned, refused := 0, 0
	for pinned < 200 || refused < 200 {
		path, release, err := w.Pin("task/a/x")
		if err != nil {
			if !errors.Is(err, ErrBadPath) {
				t.Fatal(err)
			}
			refused++
			continue
		}
		if _, err := os.Lstat(path + "/mark"); err == nil {
			t.Fatal("pinned what the link leads to")
		}
		must(t, release())
		pinned++
	}
	close(stop)
	t.Logf("%d pinned, %d refused, %d exchanges", pinned, refused, <-swapped)
}

func TestRemoveSurvivesEverything(t *testing.T) {
	for _, disk := range []int64{0, 1 << 30} {
		d := openState(t, disk, 0)
		w := newWork(t, d, Job{ID: "j1", Course: "c", Task: "t"})
		long := strings.Repeat("\xff", 255)
		must(t, os.MkdirAll(filepath.Join(w.Task, long, long, long), 0), os.WriteFile(w.Task+"/locked", nil, 0),
			os.Mkdir(w.Task+"/inner", 0o700), unix.Mount("x", w.Task+"/inner", "tmpfs", 0, ""),
			os.WriteFile(w.Task+"/inner/x", nil, 0), os.Mkdir(w.dir+"/upper/below", 0o700),
			unix.Mount("x", w.dir+"/upper/below", "tmpfs", 0, ""), unix.Mknod(w.Task+"/dev", unix.S_IFBLK, 0),
			os.Symlink(d.config.Tasks, w.Task+"/out"), exec.Command("chown", "-R", "4242:4242", w.Task).Run())
		deepen(t, w.Task, 2000)
		held, err := os.Open(w.Task + "/run") // as a process that has not ended yet would
		must(t, err)
		defer held.Close()
		must(t, w.Remove(t.Context()))
		read(t, filepath.Join(d.config.Tasks, "c/t/run"))
	}
}

// Attributes that forbid removal are taken off, on file systems that have them.
func TestRemoveImmutable(t *testing.T) {
	tier.Require(t, tier.Native, tier.VM)
	dir := filepath.Join(t.TempDir(), "job")
	must(t, os.MkdirAll(dir+"/a/b", 0o700), os.WriteFile(dir+"/a/b/c", nil, 0o600))
	for _, name := range []string{"a/b/c", "a/b", "a"} {
		f, err := os.Open(filepath.Join(dir, name))
		must(t, err)
		err = unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, protected)
		must(t, err, f.Close())
	}
	if err := os.Remove(dir + "/a/b/c"); !errors.Is(err, unix.EPERM) {
		t.Fatalf("the attribute protects nothing here: %v", err)
	}
	must(t, removeAll(t.Context(), dir))
}

// Where there is no overlay the job gets a copy.
func TestCopyInsteadOfOverlay(t *testing.T) {
	d := openState(t, 0, 0)
	// An overlay of an overlay of an overlay is too deep to be a lower layer.
	task := filepath.Join(d.config.Tasks, "c/t")
	for range 2 {
		o := t.TempDir()
		must(t, os.Mkdir(o+"/u", 0o755), os.Mkdir(o+"/w", 0o755),
			unix.Mount("x", task, "overlay", 0, fmt.Sprintf("lowerdir=%s,upperdir=%s/u,workdir=%s/w", task, o, o)))
		defer func() { must(t, unix.Unmount(task, unix.MNT_DETACH)) }()
	}
	w := newWork(t, d, Job{ID: "j1", Course: "c", Task: "t"})
	if !w.Copied || read(t, w.Task+"/student/given") != "given" {
		t.Errorf("copied %t", w.Copied)
	}
	must(t, os.WriteFile(w.Task+"/run", []byte("changed"), 0o700))
	path, _, err := w.Pin("task/student")
	must(t, err)
	if got := read(t, path+"/given") + read(t, task+"/run"); got != "given#!/bin/sh" {
		t.Errorf("sees %q", got)
	}
	must(t, w.Remove(t.Context()))
}

func BenchmarkWorkspace(b *testing.B) {
	tier.Require(b, tier.Native, tier.VM)
	root := b.TempDir()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	must(os.MkdirAll(root+"/tasks/c/t", 0o755))
	for i := range 1000 {
		must(os.WriteFile(fmt.Sprintf("%s/tasks/c/t/%d", root, i), bytes.Repeat([]byte("x"), 1000), 0o644))
	}
	for _, disk := range []int64{0, 1 << 20} {
		b.Run(fmt.Sprintf("bound=%d", disk), func(b *testing.B) {
			d, err := Open(b.Context(), Config{Tasks: root + "/tasks", State: root + "/state", DiskBytes: disk})
			must(err)
			defer d.Close()
			for b.Loop() {
				w, err := d.New(b.Context(), Job{ID: "j", Course: "c", Task: "t"})
				must(err)
				must(w.Remove(b.Context()))
			}
		})
	}
	b.Run("copy", func(b *testing.B) {
		from, err := os.Open(root + "/tasks/c/t")
		must(err)
		for b.Loop() {
			must(os.Mkdir(root+"/copy", 0o700))
			to, err := os.Open(root + "/copy")
			must(err)
			must(copyTree(b.Context(), from, to))
			to.Close()
			must(removeAll(b.Context(), root+"/copy"))
		}
	})
}
