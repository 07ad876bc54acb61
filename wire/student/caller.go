package student

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/ingot-grading/ingot/wire/frame"
)

// ErrProtocol is a peer that does not follow the handshake.
var ErrProtocol = errors.New("not the handshake of a student container")

const (
	byteHello = 'H'
	byteFiles = 'S'
	stop      = "---" // in the place of a signal's digits
)

// maxLogin is the size of a login message that is read, in bytes.
const maxLogin = 64 << 10

// Caller is the end of the one who asked for the command. Deadlines are those
// of the connection, which stays the caller's to close.
type Caller struct {
	conn   *net.UnixConn
	logins *frame.Reader
}

// Hand waits for the student container at the other end of conn and hands it
// the command with its stdin, stdout and stderr, in this order. The files stay
// the caller's.
func Hand(conn *net.UnixConn, files [3]*os.File, cmd Command) (*Caller, error) {
	var hello [1]byte
	if _, err := io.ReadFull(conn, hello[:]); err != nil {
		return nil, fmt.Errorf("student: wait for the container: %w", err)
	}
	if hello[0] != byteHello {
		return nil, fmt.Errorf("student: %w: it began with %q", ErrProtocol, hello[:])
	}
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	if _, _, err := conn.WriteMsgUnix([]byte{byteFiles}, syscall.UnixRights(fds...), nil); err != nil {
		return nil, fmt.Errorf("student: send the files: %w", err)
	}
	b, err := appendTo(nil, kindCommand, &cmd)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(b); err != nil {
		return nil, fmt.Errorf("student: send the command: %w", err)
	}
	return &Caller{conn: conn, logins: frame.NewReader(conn, maxLogin)}, nil
}

// Signal sends a signal for the command.
func (c *Caller) Signal(sig syscall.Signal) error {
	if sig < 0 || sig > 999 {
		return fmt.Errorf("student: %w: signal %d", ErrProtocol, sig)
	}
	return c.send(fmt.Sprintf("%03d", sig))
}

// Stop tells the student container that no more signals come. So does closing
// the connection.
func (c *Caller) Stop() error { return c.send(stop) }

func (c *Caller) send(digits string) error {
	if _, err := io.WriteString(c.conn, digits); err != nil {
		return fmt.Errorf("student: send a signal: %w", err)
	}
	return nil
}

// Login waits for the student container to offer an SSH login, as it does after
// a command with SSH set. It ends with io.EOF inside if there will be none.
func (c *Caller) Login() (Login, error) {
	var login Login
	b, err := c.logins.Next()
	if err != nil {
		return login, fmt.Errorf("student: wait for a login: %w", err)
	}
	err = decode(b, kindLogin, &login)
	return login, err
}
