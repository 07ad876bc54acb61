package vm

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// monitor speaks QEMU's machine protocol (QMP) over one end of a socket pair.
// It belongs to one goroutine.
type monitor struct {
	conn   net.Conn
	in     *json.Decoder
	events []qmpMessage // read while a reply was waited for
}

// qmpMessage is a reply or an event; what is not there is zero.
type qmpMessage struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
	Event string `json:"event"`
	Data  struct {
		Status string `json:"status"`
	} `json:"data"`
}

// newMonitor makes the pair; far is QEMU's end, which the caller closes once
// QEMU has its copy.
func newMonitor() (m *monitor, far *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make the monitor's sockets: %w", err)
	}
	near := os.NewFile(uintptr(fds[0]), "qmp")
	far = os.NewFile(uintptr(fds[1]), "qmp-qemu")
	conn, err := net.FileConn(near)
	near.Close()
	if err != nil {
		far.Close()
		return nil, nil, fmt.Errorf("open the monitor: %w", err)
	}
	return &monitor{conn: conn, in: json.NewDecoder(conn)}, far, nil
}

// hello reads QEMU's greeting, which comes once all options were accepted and
// the forwarded port is open, and enters command mode.
func (m *monitor) hello(ctx context.Context) error {
	var greeting struct {
		QMP json.RawMessage
	}
	defer m.bound(ctx)()
	if err := m.in.Decode(&greeting); err != nil {
		return fmt.Errorf("greet QEMU: %w", err)
	}
	return m.call(ctx, "qmp_capabilities", nil, nil)
}

// call runs a command. args may be nil; the reply is decoded into reply unless
// that is nil.
func (m *monitor) call(ctx context.Context, name string, args, reply any) error {
	defer m.bound(ctx)()
	request := map[string]any{"execute": name}
	if args != nil {
		request["arguments"] = args
	}
	if err := json.NewEncoder(m.conn).Encode(request); err != nil {
		return fmt.Errorf("tell QEMU to %s: %w", name, err)
	}
	for {
		var msg qmpMessage
		if err := m.in.Decode(&msg); err != nil {
			return fmt.Errorf("hear from QEMU on %s: %w", name, err)
		}
		switch {
		case msg.Event != "":
			m.events = append(m.events, msg)
		case msg.Error != nil:
			return fmt.Errorf("QEMU refused to %s: %s: %s", name, msg.Error.Class, msg.Error.Desc)
		case reply != nil:
			return json.Unmarshal(msg.Return, reply)
		default:
			return nil
		}
	}
}

// event waits for the next event.
func (m *monitor) event(ctx context.Context) (qmpMessage, error) {
	if len(m.events) > 0 {
		ev := m.events[0]
		m.events = m.events[1:]
		return ev, nil
	}
	defer m.bound(ctx)()
	var ev qmpMessage
	if err := m.in.Decode(&ev); err != nil {
		return ev, fmt.Errorf("wait for an event of QEMU: %w", err)
	}
	return ev, nil
}

// migrated waits for the end of a migration, in or out.
func (m *monitor) migrated(ctx context.Context) error {
	for {
		ev, err := m.event(ctx)
		switch {
		case err != nil:
			return err
		case ev.Event != "MIGRATION":
		case ev.Data.Status == "completed":
			return nil
		case ev.Data.Status == "failed":
			return fmt.Errorf("QEMU could not save or restore its state")
		}
	}
}

var forwardRE = regexp.MustCompile(`HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s`)

// sshPort asks which port was opened. QEMU tells only its human monitor.
func (m *monitor) sshPort(ctx context.Context) (int, error) {
	var text string
	args := map[string]string{"command-line": "info usernet"}
	if err := m.call(ctx, "human-monitor-command", args, &text); err != nil {
		return 0, err
	}
	return forwardedPort(text)
}

func forwardedPort(usernet string) (int, error) {
	found := forwardRE.FindStringSubmatch(usernet)
	if found == nil {
		return 0, fmt.Errorf("QEMU forwards no port: %q", usernet)
	}
	return strconv.Atoi(found[1])
}

// bound makes the end of ctx end reads and writes until the returned function is called.
func (m *monitor) bound(ctx context.Context) func() {
	stop := context.AfterFunc(ctx, func() { _ = m.conn.SetDeadline(time.Unix(1, 0)) })
	return func() { stop() }
}
