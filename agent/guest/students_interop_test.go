//go:build native && interop

package guest

import (
	"os"
	"testing"

	"github.com/ingot-grading/ingot/wire/grading"
)

// library does what INGInious' own run_student library does, with libzmq and
// in the same order (PROTOCOL.md 5.5).
const library = `
import array, msgpack, os, socket, sys, zmq
sid = "ptest1234"
open("/sockets/" + sid, "w").close()
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind("/sockets/" + sid + ".sock"); server.listen(0)
context = zmq.Context()
req = context.socket(zmq.REQ); req.connect("ipc:///sockets/main.sock")
def ask(m): req.send(msgpack.dumps(m, use_bin_type=True))
ask({"type": "run_student", "environment": None, "time_limit": 0, "hard_time_limit": 0, "memory_limit": 0,
     "share_network": False, "socket_id": sid, "ssh": False, "run_as_root": False})
started = msgpack.loads(req.recv()); assert started["type"] == "run_student_started", started
client, _ = server.accept()
assert client.recv(1) == b"H"
fds = array.array("i", [0, 1, 2])
client.sendmsg([b"S"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
client.send(msgpack.dumps({"type": "run_student_command", "student_container_id": started["container_id"],
    "command": "sh -c 'echo said; exit 5'", "teardown_script": "", "working_dir": "/task/student", "ssh": False, "user": "worker"}))
client.recv(1)  # the end of the student container: its code is on the way or there
ask({"type": "dummy_message"})
done = msgpack.loads(req.recv()); assert done["type"] == "run_student_retval", done
os.remove("/sockets/" + sid + ".sock"); os.remove("/sockets/" + sid)
sys.exit(done["retval"])
`

func TestPythonLibraryOnOurSockets(t *testing.T) {
	p := newPair(t)
	if err := os.WriteFile(p.grading+"/library.py", []byte(library), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := p.start(`
out=$(/usr/bin/python3 /library.py)
feedback-result "$?"
feedback-msg -m "$out"
`, true)
	req := p.next().(*grading.RunStudent)
	shim := p.intern(req.SocketID)
	p.send(&grading.RunStudentStarted{SocketID: req.SocketID, ContainerID: "c1"})
	shim.Run()
	p.send(&grading.RunStudentRetval{SocketID: req.SocketID, Retval: int64(shim.ProcessState.ExitCode())})
	r := p.result(cmd)
	if get(r, "result") != "5" || get(r, "text") != "said" {
		t.Errorf("result %s, text %q, stderr %s", get(r, "result"), get(r, "text"), get(r, "stderr"))
	}
}
