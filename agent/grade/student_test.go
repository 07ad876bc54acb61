package grade

import (
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/oci"
	"github.com/ingot-grading/ingot/wire/grading"
)

// A script that waits for its student container is let go, and one that does
// not wait takes no notice.
func TestWake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p1.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	s := &student{}
	if s.socket, err = openSocket(path); err != nil {
		t.Fatal(err)
	}
	defer s.socket.Close()
	accepted := make(chan error, 1)
	go func() {
		c, err := l.AcceptUnix()
		if err == nil {
			c.Close()
		}
		accepted <- err
	}()
	s.wake()
	if err := <-accepted; err != nil {
		t.Error(err)
	}
	l.Close()
	s.wake()
}

// A grader whose students cannot be, for whatever reason and in whatever number,
// fills no log.
func TestStudentsThatCannotBeFillNoLog(t *testing.T) {
	var log strings.Builder
	g := newStudents(t.Context(), &job{e: &Executor{}, log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 1000 {
		g.complain(g.j.log, "student container not started", fs.ErrNotExist)
	}
	if n := strings.Count(log.String(), "\n"); n != maxComplaints {
		t.Errorf("%d lines in the log, want %d", n, maxComplaints)
	}
}

// gVisor's shim forgets how a process ended that was too fast for it. Then, and
// only then, the container itself is believed.
func TestExitCodeThatTheRuntimeForgot(t *testing.T) {
	s := &student{req: &grading.RunStudent{SocketID: "p1"}}
	if got := s.code(codeForgotten); got != codeForgotten {
		t.Errorf("nobody knows, and it is %d", got)
	}
	s.hear([]byte("no message"))
	s.hear(encode(t, &grading.SSHStudent{User: "worker", Key: "k"})) // nobody asked for a login
	s.hear(encode(t, &grading.RunStudentRetval{SocketID: "p1", Retval: 3}))
	for exit, want := range map[uint32]uint32{codeForgotten: 3, 0: 0, 7: 7, 137: 137} {
		if got := s.code(exit); got != want {
			t.Errorf("the runtime says %d: got %d, want %d", exit, got, want)
		}
	}
	s.hear(encode(t, &grading.RunStudentRetval{SocketID: "p1", Retval: -1 << 40}))
	if got := s.code(codeForgotten); got != 0 {
		t.Errorf("a code of no process: got %d, want its last byte", got)
	}
}

// Which student containers there may be (PROTOCOL.md 4.10).
func TestWhoMayBeAStudent(t *testing.T) {
	runtime, err := oci.ChooseRuntime("runc", "rooted", "root", "shared")
	if err != nil {
		t.Fatal(err)
	}
	rooted := Kind{EnvType: runtime.EnvType, Runtime: runtime}
	all := newCatalogue([]sandbox.Image{
		image("own", 0, labelName, "own", labelVersion, "4"),
		image("other", 0, labelName, "other", labelVersion, "3"),
		image("root", 0, labelName, "root", labelVersion, "3", labelNeedRoot, ""),
	}, Config{Kinds: append(kinds(t, "crun", "kata"), rooted)}, func(img sandbox.Image, err error) { t.Error(err) })
	e := &Executor{cfg: Config{Students: 2}}
	e.known.Store(&offering{catalogue: all})
	text := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		kind   string
		living []string
		ask    grading.RunStudent
		image  string
		want   error
	}{
		"the grader's own":       {"docker", nil, grading.RunStudent{}, "own", nil},
		"another":                {"docker", nil, grading.RunStudent{Environment: text("other")}, "other", nil},
		"of a kernel of its own": {"kata", nil, grading.RunStudent{Environment: text("root"), RunAsRoot: true}, "root", nil},
		"of another type":        {"docker", nil, grading.RunStudent{Environment: text("root")}, "", errNoEnv},
		"unknown":                {"docker", nil, grading.RunStudent{Environment: text("")}, "", errNoEnv},
		"root":                   {"docker", nil, grading.RunStudent{RunAsRoot: true}, "", errRoot},
		"root, kernel shared":    {"rooted", nil, grading.RunStudent{RunAsRoot: true}, "", errKernel},
		"an image for root":      {"rooted", nil, grading.RunStudent{Environment: text("root")}, "root", nil},
		"network":                {"docker", nil, grading.RunStudent{ShareNetwork: true}, "own", nil},
		"network of a machine":   {"kata", nil, grading.RunStudent{ShareNetwork: true}, "", errNoNetwork},
		"one more":               {"docker", []string{"p1"}, grading.RunStudent{SocketID: "p2"}, "own", nil},
		"the same":               {"docker", []string{"p1"}, grading.RunStudent{SocketID: "p1"}, "", errAsked},
		"too many":               {"docker", []string{"p1", "p2"}, grading.RunStudent{SocketID: "p3"}, "", errTooMany},
	} {
		g := &students{j: &job{e: e, env: all[[2]string{c.kind, "own"}]}, living: map[string]*student{}}
		for _, socket := range c.living {
			g.living[socket] = &student{}
		}
		env, err := g.environment(&c.ask)
		if !errors.Is(err, c.want) || err == nil && env.image.Ref != c.image {
			t.Errorf("%s: got %+v, %v; want %s, %v", name, env, err, c.image, c.want)
		}
	}
}

// No id is the beginning of another: gVisor takes those for one.
func TestContainerIDs(t *testing.T) {
	j := &job{id: "j1"}
	ids := []string{j.containerID(graderName)}
	for n := range 120 {
		ids = append(ids, j.containerID(studentName(n+1)))
	}
	for _, a := range ids {
		for _, b := range ids {
			if a != b && strings.HasPrefix(b, a) {
				t.Errorf("%s is the beginning of %s", a, b)
			}
		}
	}
}
