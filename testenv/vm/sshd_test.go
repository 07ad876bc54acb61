package vm

import (
	"errors"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
)

// localMachine is a Machine whose guest is this host: a real ssh server runs
// each command with sh. Its directory has the keys.
func localMachine(t *testing.T) *Machine {
	t.Helper()
	dir := t.TempDir()
	hostPub, hostPriv, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	_, clientPriv, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, hostKey), string(hostPub))
	write(t, filepath.Join(dir, clientKey), string(clientPriv))
	signer, err := ssh.ParsePrivateKey(hostPriv)
	if err != nil {
		t.Fatal(err)
	}
	conf := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }}
	conf.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve(l, conf)
	}()
	m := &Machine{dir: dir, port: l.Addr().(*net.TCPAddr).Port}
	t.Cleanup(func() {
		if m.client != nil {
			_ = m.client.Close()
		}
		_ = l.Close()
		<-done
	})
	if err := m.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}

// serve serves connections until the listener is closed. The first one is shut
// at once, as a guest does whose sshd is not up yet.
func serve(l net.Listener, conf *ssh.ServerConfig) {
	if c, err := l.Accept(); err == nil {
		_ = c.Close()
	}
	c, err := l.Accept()
	if err != nil {
		return
	}
	_, channels, requests, err := ssh.NewServerConn(c, conf)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for open := range channels {
		ch, requests, err := open.Accept()
		if err == nil {
			go session(ch, requests)
		}
	}
}

// session serves one exec request, and a signal while it runs.
func session(ch ssh.Channel, requests <-chan *ssh.Request) {
	var cmd *exec.Cmd
	for r := range requests {
		switch r.Type {
		case "exec":
			var line struct{ Command string }
			_ = ssh.Unmarshal(r.Payload, &line)
			cmd = exec.Command("sh", "-c", line.Command)
			cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
			in, err := cmd.StdinPipe()
			if err != nil || cmd.Start() != nil {
				_ = r.Reply(false, nil)
				return
			}
			_ = r.Reply(true, nil)
			go func() {
				_, _ = io.Copy(in, ch)
				_ = in.Close()
			}()
			go finish(ch, cmd)
		case "signal":
			_ = cmd.Process.Kill()
		}
	}
}

func finish(ch ssh.Channel, cmd *exec.Cmd) {
	err := cmd.Wait()
	exit, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case failed && exit.ExitCode() < 0:
		_, _ = ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Name  string
			Core  bool
			Error string
			Lang  string
		}{Name: "KILL"}))
	default:
		_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(cmd.ProcessState.ExitCode())}))
	}
	_ = ch.Close()
}
