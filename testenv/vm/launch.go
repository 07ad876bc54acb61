package vm

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Names of the files of a running machine, in its directory.
const (
	overlayName = "overlay.qcow2"
	consoleLog  = "console.log" // the guest's serial console
	qemuLog     = "qemu.log"    // QEMU's own messages
	lockName    = "lock"        // held by QEMU while it lives
)

// launch is a QEMU to start.
type launch struct {
	id       string // tells this process from all others
	accel    accel
	memory   int // MiB
	cpus     int
	port     int    // on the loopback, 0 for the OS's choice
	image    image  // kernel and initrd
	dir      string // of the overlay and the logs
	kernel   []string
	incoming bool // wait for a saved state
	tied     bool // dies with this process
}

// args returns QEMU's arguments. The monitor is file descriptor 3.
func (l launch) args() []string {
	kernel := append([]string{"root=/dev/vda", "rw", "console=ttyS0", "panic=-1", "mitigations=off",
		"loglevel=5", "systemd.show_status=true"}, l.kernel...)
	args := []string{
		"-name", l.name(),
		"-nodefaults", "-no-user-config", "-display", "none",
		"-no-reboot", // so a guest that panics ends QEMU
		"-machine", "q35", "-accel", l.accel.option, "-cpu", l.accel.cpu,
		"-smp", strconv.Itoa(l.cpus), "-m", strconv.Itoa(l.memory),
		"-kernel", l.image.path(kernelName), "-initrd", l.image.path(initrdName),
		"-append", strings.Join(kernel, " "),
		// A guest that hears of an I/O error fails; one that is paused hangs its users.
		"-drive", "if=none,id=disk,format=qcow2,cache=unsafe,discard=unmap,werror=report,rerror=report,file=" +
			filepath.Join(l.dir, overlayName),
		"-device", "virtio-blk-pci,drive=disk",
		"-netdev", fmt.Sprintf("user,id=net,hostfwd=tcp:127.0.0.1:%d-:22", l.port),
		"-device", "virtio-net-pci,netdev=net,romfile=",
		"-device", "virtio-rng-pci",
		"-device", "vmgenid,guid=auto", // tells the guest's kernel to reseed after a restore
		"-serial", "file:" + filepath.Join(l.dir, consoleLog),
		"-chardev", "socket,id=qmp,fd=3", "-mon", "chardev=qmp,mode=control",
	}
	if l.incoming {
		args = append(args, "-incoming", "defer")
	}
	return args
}

// name is in the arguments of the machine's process, and of no other.
func (l launch) name() string { return "ingot-vm-" + l.id }

// start starts QEMU and returns once it has accepted its options. Whatever is
// returned with an error has been ended.
func (l launch) start(ctx context.Context, lock *os.File) (*process, *monitor, error) {
	path, ok := findTool(qemu)
	if !ok {
		return nil, nil, fmt.Errorf("%w: %s", ErrTools, qemu)
	}
	messages, err := os.Create(filepath.Join(l.dir, qemuLog))
	if err != nil {
		return nil, nil, fmt.Errorf("make QEMU's log: %w", err)
	}
	defer messages.Close()
	mon, far, err := newMonitor()
	if err != nil {
		return nil, nil, err
	}
	defer far.Close()
	cmd := exec.Command(path, l.args()...)
	cmd.Stdout, cmd.Stderr = messages, messages
	cmd.ExtraFiles = []*os.File{far, lock}
	proc, err := startProcess(cmd, l.tied)
	if err != nil {
		mon.conn.Close()
		return nil, nil, fmt.Errorf("start QEMU: %w", err)
	}
	if err := mon.hello(ctx); err != nil {
		proc.stop()
		mon.conn.Close()
		return nil, nil, orCause(ctx, fmt.Errorf("%w: %w", ErrDied, err))
	}
	return proc, mon, nil
}

// checkPort returns ErrPort if something listens on the loopback port already.
func checkPort(ctx context.Context, port int) error {
	if port == 0 {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPort, err)
	}
	return l.Close()
}

// orCause returns why ctx ended if it did, else err.
func orCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
