//go:build native

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/testenv/apt"
	"github.com/ingot-grading/ingot/testenv/images"
)

// A machine of a test's own is a network namespace with [machineAddr] and one
// neighbour, who serves a greeting.
const (
	neighbourAddr = "198.51.100.2"
	neighbourPort = "8000"
	greeting      = "good day"
)

// stage tells what this program is when a test starts it again.
const (
	stage          = "INGOT_E2E_STAGE"
	stageMachine   = "machine"
	stageNeighbour = "neighbour"
	stageDownloads = "INGOT_E2E_DOWNLOADS" // a directory
)

// downloads is the directory of what was fetched for the machine.
func downloads() string { return os.Getenv(stageDownloads) }

// onMachine runs a test in this program, started again on a machine of its own.
// All of the rig is there but containerd, which is reached by its unix socket.
// before is done where there is the Internet; nil is nothing. What it puts into
// the directory is found at downloads.
func onMachine(t *testing.T, before func(dir string) error, test func(t *testing.T)) {
	t.Helper()
	switch os.Getenv(stage) {
	case stageMachine:
		setUpMachine(t)
		had := traces(t)
		t.Cleanup(func() { // after those of the rig
			if has := traces(t); !slices.Equal(had, has) {
				t.Errorf("the machine has now\n%s\nand had\n%s", strings.Join(has, "\n"), strings.Join(had, "\n"))
			}
		})
		test(t)
		return
	case stageNeighbour:
		if err := beNeighbour(); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := apt.Ensure(t.Context(), t.Output(), "containernetworking-plugins", "iptables", "iproute2"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := images.FindBusybox(t.Context(), dir); err != nil { // and keep it for the rig
		t.Fatal(err)
	}
	if before != nil {
		if err := before(dir); err != nil {
			t.Fatal(err)
		}
	}
	cmd := again(t, stageMachine)
	cmd.Env = append(cmd.Env, stageDownloads+"="+dir)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
}

// again is this program, with this test alone, in a network namespace of its own.
func again(t *testing.T, as string) *exec.Cmd {
	runtime.LockOSThread() // for ever: the program ends with the thread
	cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), stage+"="+as)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	return cmd
}

// setUpMachine connects this machine with a neighbour.
func setUpMachine(t *testing.T) {
	t.Helper()
	cmd := again(t, stageNeighbour)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); _ = cmd.Wait() }) // its word is the greeting
	for line := bufio.NewScanner(stdout); ; {
		if !line.Scan() {
			t.Fatal("the neighbour does not serve")
		}
		if line.Text() == greeting {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	pid := strconv.Itoa(cmd.Process.Pid)
	for _, line := range []string{
		"ip link set lo up",
		"ip link add near type veth peer name far",
		"ip link set far netns " + pid,
		"ip addr add " + machineAddr + "/24 dev near",
		"ip link set near up",
		"nsenter -t " + pid + " -n ip addr add " + neighbourAddr + "/24 dev far",
		"nsenter -t " + pid + " -n ip link set far up",
	} {
		words := strings.Fields(line)
		if out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
}

// beNeighbour greets all who connect until its standard input ends.
func beNeighbour() error {
	l, err := net.Listen("tcp", "0.0.0.0:"+neighbourPort)
	if err != nil {
		return err
	}
	go greet(l) // until this program ends
	fmt.Println(greeting)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// greet answers until the listener is closed.
func greet(l net.Listener) {
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, greeting)
	}))
}

// traces lists what there is on the machine that networks are made of. The chain
// that the ports of all programs are in stays.
func traces(t testing.TB) []string {
	t.Helper()
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, l := range links {
		all = append(all, l.Name)
	}
	for _, line := range []string{"iptables -S", "iptables -t nat -S"} {
		words := strings.Fields(line)
		out, err := exec.Command(words[0], words[1:]...).Output()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for l := range strings.Lines(string(out)) {
			if !strings.Contains(l, "CNI-HOSTPORT-DNAT") {
				all = append(all, strings.TrimSpace(l))
			}
		}
	}
	slices.Sort(all)
	return all
}
