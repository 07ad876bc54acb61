//go:build native || vm

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestMain lets this program, copied into a task, be a hostile one: as NAME N
// [FILE] it takes up to N of something, says how many it has, and holds them if
// there is a file to say so in.
func TestMain(m *testing.M) {
	take := attacks[filepath.Base(os.Args[0])]
	if take == nil {
		os.Exit(m.Run())
	}
	most, err := strconv.Atoi(os.Args[1])
	n := 0
	for err == nil && n < most && take() {
		n++
	}
	fmt.Println(n)
	if len(os.Args) > 2 && os.WriteFile(os.Args[2], []byte(strconv.Itoa(n)), 0o666) == nil {
		_ = unix.Pause() // the program's end frees all
	}
}

// attacks take one more of what the kernel counts by user or for the whole
// machine, and tell whether they have it.
var attacks = map[string]func() bool{
	"take-processes": takeProcess,
	"take-signals":   takeSignal,
	"take-timers":    takeTimer,
	"take-queues":    takeQueue,
	"take-terminals": takeTerminal,
	"take-flights":   takeFlight,
	"take-dumps":     takeDump,
}

// takeProcess starts one as those who believe that three are enough for all workers
// of the machine.
func takeProcess() bool {
	err := unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: 3, Max: 3})
	if err == nil {
		_, err = os.StartProcess("/bin/sleep", []string{"sleep", "1000"}, &os.ProcAttr{})
	}
	return err == nil
}

// takeSignal has one more real-time signal wait for a thread that takes none.
func takeSignal() bool {
	const signal, block, queued = 40, 0, -1 // SIG_BLOCK, SI_QUEUE
	runtime.LockOSThread()
	set := uint64(1) << (signal - 1)
	info := [32]int32{0: signal, 2: queued}
	_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, block, uintptr(unsafe.Pointer(&set)), 0, 8, 0, 0)
	if e == 0 {
		_, _, e = unix.RawSyscall6(unix.SYS_RT_TGSIGQUEUEINFO, uintptr(os.Getpid()), uintptr(unix.Gettid()), signal, uintptr(unsafe.Pointer(&info)), 0, 0)
	}
	return e == 0
}

func takeTimer() bool {
	var id int32
	_, _, e := unix.RawSyscall(unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC, 0, uintptr(unsafe.Pointer(&id)))
	return e == 0
}

func takeQueue() bool {
	for n := 0; ; n++ {
		name := append([]byte("q"+strconv.Itoa(n)), 0)
		_, _, e := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(&name[0])), unix.O_CREAT|unix.O_EXCL|unix.O_RDWR, 0o600, 0, 0, 0)
		if e != unix.EEXIST {
			return e == 0
		}
	}
}

func takeTerminal() bool {
	_, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY, 0)
	return err == nil
}

// takeFlight sends as many descriptors as fit into a message, to nobody who reads
// it.
func takeFlight() bool {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	return err == nil && unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(make([]int, 253)...), nil, 0) == nil
}

// takeDump has the host's program for core dumps run when it crashes, by a limit
// of none: whatever numbers the kernel takes for that resource.
func takeDump() bool {
	var none, limit unix.Rlimit
	for _, resource := range []uintptr{unix.RLIMIT_CORE, unix.RLIMIT_CORE | 1<<32} {
		unix.RawSyscall(unix.SYS_SETRLIMIT, resource, uintptr(unsafe.Pointer(&none)), 0)
		unix.RawSyscall6(unix.SYS_PRLIMIT64, 0, resource, uintptr(unsafe.Pointer(&none)), 0, 0, 0)
	}
	return unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil && limit.Cur != 1
}

// armed checks with a task whose folder student has the programs, and whose script
// has a function hold, which runs one until it has what it takes, and try.
func (r *rig) armed(t *testing.T, name, sh string) {
	t.Helper()
	dir := filepath.Join(r.tasks, "c", name, "student")
	program, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "self"), program, 0o755)
	}
	for attack := range attacks {
		if err == nil {
			err = os.Link(filepath.Join(dir, "self"), filepath.Join(dir, attack))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	r.task(name, checks+`
try() { run_student /task/student/take-$1 $2; }
hold() {
  run_student /task/student/take-$1 $2 /task/student/has-$1 >/dev/null &
  until test -s student/has-$1; do sleep 0.1; done
  has=$(cat student/has-$1)
}
`+sh+"\nfeedback-result success")
	if done := r.grade(r.job(name, limits{})); done.Status != "success" {
		t.Errorf("%s: %s: %s", name, done.Status, done.Text)
	}
}
