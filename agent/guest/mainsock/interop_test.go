//go:build interop

package mainsock_test

import (
	"bytes"
	"os/exec"
	"testing"
)

// INGInious' library speaks to the main process with a REQ socket of libzmq.
const python = `
import sys, zmq
ctx = zmq.Context()
req = ctx.socket(zmq.REQ)
req.connect("ipc://" + sys.argv[1])
for text in (b"run_student", b"dummy_message", b"x" * 600000):
    req.send(text)
    print(req.recv().decode()[:20], flush=True)
req.close(); ctx.term()
`

func TestRequestsOfLibzmq(t *testing.T) {
	path, r := listen(t)
	var out, errs bytes.Buffer
	c := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", python, path)
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	first := <-r.Requests()
	first.Take()
	first.Peer.Reply([]byte("started"), nil)
	first.Peer.Reply([]byte("ended"), nil) // before it is asked for
	second := <-r.Requests()
	second.Take()
	third := <-r.Requests()
	third.Take()
	third.Peer.Reply(third.Payload, nil)
	if err := c.Wait(); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	if got, want := out.String(), "started\nended\nxxxxxxxxxxxxxxxxxxxx\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
