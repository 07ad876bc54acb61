package student

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/frame"
)

// maxCommand is the size of a command message that is read, in bytes. Linux
// takes no longer command line either.
const maxCommand = 2 << 20

// maxFiles is how many files are looked for in one message, more than the three
// that may be there, so that too many are seen and closed.
const maxFiles = 8

// Shim is the end of the student container.
type Shim struct {
	in   io.Reader // both are the connection
	out  io.Writer
	rest []byte // what arrived behind the command
}

// Join says hello through conn and takes over the command and its stdin, stdout
// and stderr, in this order. The files are the caller's to close; the
// connection stays his too.
func Join(conn *net.UnixConn) (*Shim, Command, [3]*os.File, error) {
	var cmd Command
	var files [3]*os.File
	if _, err := conn.Write([]byte{byteHello}); err != nil {
		return nil, cmd, files, fmt.Errorf("student: say hello: %w", err)
	}
	files, err := receiveFiles(conn)
	if err != nil {
		return nil, cmd, files, err
	}
	s := &Shim{in: conn, out: conn}
	if cmd, err = s.receiveCommand(); err != nil {
		closeAll(files[:])
		return nil, cmd, [3]*os.File{}, err
	}
	return s, cmd, files, nil
}

// receiveFiles reads the byte that carries the files.
func receiveFiles(conn *net.UnixConn) (files [3]*os.File, err error) {
	var b [1]byte
	oob := make([]byte, syscall.CmsgSpace(4*maxFiles))
	n, oobn, flags, _, err := conn.ReadMsgUnix(b[:], oob)
	if err == nil && n == 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return files, fmt.Errorf("student: receive the files: %w", err)
	}
	fds, err := rights(oob[:oobn])
	got := make([]*os.File, len(fds))
	for i, fd := range fds {
		got[i] = os.NewFile(uintptr(fd), "student-"+strconv.Itoa(i))
	}
	if err != nil || b[0] != byteFiles || len(got) != len(files) || flags&syscall.MSG_CTRUNC != 0 {
		closeAll(got)
		return files, fmt.Errorf("student: %w: %q with %d files", ErrProtocol, b[:], len(got))
	}
	return [3]*os.File(got), nil
}

// rights returns the descriptors in control messages, also those in front of an
// error.
func rights(oob []byte) (fds []int, err error) {
	messages, err := syscall.ParseSocketControlMessage(oob)
	for i := range messages {
		more, bad := syscall.ParseUnixRights(&messages[i])
		fds = append(fds, more...)
		err = errors.Join(err, bad)
	}
	return fds, err
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// receiveCommand reads until one map is complete. What came behind it is kept:
// there is no length, and signals follow at once.
func (s *Shim) receiveCommand() (cmd Command, err error) {
	var b []byte
	chunk := make([]byte, 4<<10)
	for {
		n, err := s.in.Read(chunk)
		b = append(b, chunk[:n]...)
		var v wire.Raw
		rest, bad := v.UnmarshalMsg(b)
		switch {
		case bad == nil:
			s.rest = rest
			err := decode(v, kindCommand, &cmd)
			return cmd, err
		case !errors.Is(bad, wire.ErrShort), len(b) > maxCommand:
			return cmd, fmt.Errorf("student: read the command: %w: %w", ErrProtocol, bad)
		case err == io.EOF:
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return cmd, fmt.Errorf("student: read the command: %w", err)
		}
	}
}

// Signal waits for a signal for the command. It ends with io.EOF when no more
// come, however the caller says so.
func (s *Shim) Signal() (syscall.Signal, error) {
	for len(s.rest) < len(stop) {
		var chunk [3]byte
		n, err := s.in.Read(chunk[:len(stop)-len(s.rest)])
		s.rest = append(s.rest, chunk[:n]...)
		if n == 0 && err == io.EOF {
			return 0, io.EOF // also in the middle of one
		}
		if err != nil && err != io.EOF {
			return 0, fmt.Errorf("student: read a signal: %w", err)
		}
	}
	digits := string(s.rest[:len(stop)])
	s.rest = s.rest[len(stop):]
	if digits == stop {
		return 0, io.EOF
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("student: %w: %q is no signal", ErrProtocol, digits)
	}
	return syscall.Signal(n), nil
}

// Login tells the caller how to log in by SSH.
func (s *Shim) Login(l Login) error {
	b, err := appendTo(nil, kindLogin, &l)
	if err != nil {
		return err
	}
	if err := frame.NewWriter(s.out).Write(b); err != nil {
		return fmt.Errorf("student: send the login: %w", err)
	}
	return nil
}
