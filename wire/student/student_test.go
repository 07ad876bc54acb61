package student_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/student"
	"github.com/ingot-grading/ingot/wire/wiretest"
)

// sockets returns the two ends of a unix socket.
func sockets(t testing.TB) (a, b *net.UnixConn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var conns [2]*net.UnixConn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "socket")
		c, err := net.FileConn(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = c.(*net.UnixConn)
		t.Cleanup(func() { c.Close() })
	}
	return conns[0], conns[1]
}

// files returns three files that the other end can be told apart by.
func files(t testing.TB) [3]*os.File {
	t.Helper()
	var fs [3]*os.File
	for i := range fs {
		f, err := os.CreateTemp(t.TempDir(), fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		fs[i] = f
	}
	return fs
}

type joined struct {
	shim  *student.Shim
	cmd   student.Command
	files [3]*os.File
	err   error
}

// join runs the student's end.
func join(conn *net.UnixConn) chan joined {
	done := make(chan joined, 1)
	go func() {
		var j joined
		j.shim, j.cmd, j.files, j.err = student.Join(conn)
		done <- j
	}()
	return done
}

func TestHandshake(t *testing.T) {
	near, far := sockets(t)
	mine := files(t)
	want := student.Command{
		ContainerID: "c1", Command: new("python3 x.py 'a b'"), WorkingDir: "/task/student", SSH: true, User: "worker",
	}
	done := join(far)
	caller, err := student.Hand(near, mine, want)
	if err != nil {
		t.Fatal(err)
	}
	j := <-done
	if j.err != nil {
		t.Fatal(j.err)
	}
	if *j.cmd.Command != *want.Command || j.cmd.Teardown != nil || !j.cmd.SSH || j.cmd.WorkingDir != want.WorkingDir ||
		j.cmd.ContainerID != "c1" || j.cmd.User != "worker" {
		t.Errorf("command is %+v", j.cmd)
	}
	for i, f := range j.files {
		a, _ := mine[i].Stat()
		b, err := f.Stat()
		if err != nil || !os.SameFile(a, b) {
			t.Errorf("file %d is another one: %v", i, err)
		}
		f.Close()
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, 0, 64} {
		if err := caller.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if got, err := j.shim.Signal(); got != sig || err != nil {
			t.Errorf("signal %d arrived as %d, %v", sig, got, err)
		}
	}
	if err := caller.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.shim.Signal(); !errors.Is(err, io.EOF) {
		t.Errorf("after stop: %v", err)
	}
	if err := j.shim.Login(student.Login{User: "worker", Password: "p\xff"}); err != nil {
		t.Fatal(err)
	}
	if l, err := caller.Login(); l.User != "worker" || l.Password != "p\uFFFD" || err != nil {
		t.Errorf("login is %+v, %v", l, err)
	}
	far.Close()
	if _, err := caller.Login(); !errors.Is(err, io.EOF) {
		t.Errorf("login that never comes: %v", err)
	}
	if err := caller.Signal(1000); !errors.Is(err, student.ErrProtocol) {
		t.Errorf("a signal of four digits: %v", err)
	}
}

// recorded returns the recorded payloads of the student's socket.
func recorded(t testing.TB, channel string) (payloads [][]byte) {
	t.Helper()
	for _, file := range wiretest.VectorFiles(t) {
		for _, v := range file.Vectors {
			if strings.HasPrefix(v.Channel, "unix:") && strings.Contains(v.Channel, channel) {
				payloads = append(payloads, v.Frame(t))
			}
		}
	}
	if len(payloads) == 0 {
		t.Fatal("nothing recorded")
	}
	return payloads
}

// handBytes plays a caller that sends those bytes as its command.
func handBytes(t testing.TB, conn *net.UnixConn, files []*os.File, payload []byte) {
	t.Helper()
	var hello [1]byte
	if _, err := io.ReadFull(conn, hello[:]); err != nil || hello[0] != 'H' {
		t.Fatalf("hello is %q, %v", hello, err)
	}
	var fds []int
	for _, f := range files {
		fds = append(fds, int(f.Fd()))
	}
	var oob []byte
	if len(fds) > 0 {
		oob = syscall.UnixRights(fds...)
	}
	if _, _, err := conn.WriteMsgUnix([]byte{'S'}, oob, nil); err != nil {
		t.Fatal(err)
	}
	for piece := range slices.Chunk(payload, max(7, len(payload)/100)) {
		if _, err := conn.Write(piece); err != nil {
			return // the other end has seen enough
		}
	}
	conn.CloseWrite()
}

// What the Python caller sends is understood, and we send the same bytes.
func TestVectors(t *testing.T) {
	for _, payload := range recorded(t, "grading->student") {
		near, far := sockets(t)
		mine := files(t)
		done := join(far)
		handBytes(t, near, mine[:], append(slices.Clone(payload), "015"...))
		j := <-done
		if j.err != nil {
			t.Fatalf("%x: %v", payload, j.err)
		}
		if sig, err := j.shim.Signal(); sig != 15 || err != nil {
			t.Errorf("the signal behind the command: %d, %v", sig, err)
		}
		if _, err := j.shim.Signal(); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}

		near, far = sockets(t)
		go func() {
			far.Write([]byte("H"))
			student.Hand(near, mine, j.cmd)
			near.Close()
		}()
		got, err := io.ReadAll(far)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) || !bytes.Equal(got, append([]byte("S"), payload...)) {
			t.Errorf("sent % x\nwant S% x, %v", got, payload, err)
		}
		for _, f := range j.files {
			f.Close()
		}
	}
}

func TestLoginVectors(t *testing.T) {
	for _, payload := range recorded(t, "student->grading") {
		near, far := sockets(t)
		done := join(far)
		caller, err := student.Hand(near, files(t), student.Command{})
		if err != nil {
			t.Fatal(err)
		}
		j := <-done
		if _, err := far.Write(payload); err != nil {
			t.Fatal(err)
		}
		l, err := caller.Login()
		if err != nil {
			t.Fatal(err)
		}
		if err := j.shim.Login(l); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(payload))
		if _, err := io.ReadFull(near, got); err != nil || !bytes.Equal(got, payload) {
			t.Errorf("sent % x\nwant % x, %v", got, payload, err)
		}
		for _, f := range j.files {
			f.Close()
		}
	}
}

func TestWrongCallers(t *testing.T) {
	good := recorded(t, "grading->student")[0]
	for name, c := range map[string]struct {
		files   int
		payload []byte
		want    error
	}{
		"no files":        {0, good, student.ErrProtocol},
		"two files":       {2, good, student.ErrProtocol},
		"four files":      {4, good, student.ErrProtocol},
		"twenty files":    {20, good, student.ErrProtocol},
		"no command":      {3, nil, io.ErrUnexpectedEOF},
		"half a command":  {3, good[:len(good)/2], io.ErrUnexpectedEOF},
		"not msgpack":     {3, []byte{0xc1}, student.ErrProtocol},
		"another message": {3, []byte("\x81\xa4type\xa6result"), wire.ErrUnknownType},
		"a number":        {3, []byte{5}, wire.ErrUnknownType},
		"a number inside": {3, []byte("\x82\xa4type\xb3run_student_command\xa4user\x05"), wire.ErrValue},
		"endless":         {3, append([]byte{0xdb, 0xff, 0xff, 0xff, 0xff}, make([]byte, 3<<20)...), student.ErrProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			before := openFiles(t)
			near, far := sockets(t)
			var fs []*os.File
			for len(fs) < c.files {
				f := files(t)
				fs = append(fs, f[:]...)
			}
			done := make(chan joined, 1)
			go func() {
				j := <-join(far)
				far.Close() // so that who still writes is let go
				done <- j
			}()
			handBytes(t, near, fs[:c.files], c.payload)
			j := <-done
			if !errors.Is(j.err, c.want) {
				t.Errorf("got %v, want %v", j.err, c.want)
			}
			near.Close()
			if after := openFiles(t); after != before+len(fs) {
				t.Errorf("%d files open, %d before, %d of the test", after, before, len(fs))
			}
		})
	}
}

// openFiles counts the descriptors of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

func TestWrongStudents(t *testing.T) {
	near, far := sockets(t)
	far.Write([]byte("X"))
	if _, err := student.Hand(near, files(t), student.Command{}); !errors.Is(err, student.ErrProtocol) {
		t.Errorf("a wrong hello: %v", err)
	}
	far.Close()
	if _, err := student.Hand(near, files(t), student.Command{}); !errors.Is(err, io.EOF) {
		t.Errorf("no hello: %v", err)
	}
}
