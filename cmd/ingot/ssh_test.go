package main

import (
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

// A way in is shown as a command to paste, unless pasting it would be a mistake.
func TestSSHHint(t *testing.T) {
	for _, host := range []string{"grader.example.org", "192.0.2.7", "2001:db8::7"} {
		got := sshHint(&wire.SSH{Host: host, Port: 64120, User: "worker", Password: "a+b/c=="})
		want := "ssh -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -p 64120 worker@" + host + "\npassword: a+b/c=="
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, way := range []wire.SSH{
		{Host: "h;reboot", User: "worker"}, {Host: "$(reboot)", User: "worker"}, {Host: "h", User: "-oProxyCommand=reboot"},
		{Host: "-h", User: "worker"}, {Host: "h", User: "a b"}, {Host: "h\x1b[2J", User: "worker"}, {Host: "", User: "worker"},
	} {
		if got := sshHint(&way); strings.HasPrefix(got, "ssh") || strings.ContainsRune(got, '\x1b') {
			t.Errorf("%+q is shown as %q", way.String(), got)
		}
	}
	if got := sshHint(&wire.SSH{Host: "h", User: "u", Password: "a\x1b[2J\nb"}); strings.ContainsRune(got, '\x1b') || strings.Count(got, "\n") != 1 {
		t.Errorf("a password with controls: %q", got)
	}
}

// --ssh asks for a person as the grader.
func TestSubmitSSH(t *testing.T) {
	for _, args := range [][]string{{"--ssh"}, {"--debug=ssh"}, {"--ssh", "--debug=yes"}} {
		c, err := parse(t, append([]string{"submit", "course", "task"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		job, err := c.Submit.job()
		if err != nil || job.Debug != wire.DebugSSH {
			t.Errorf("%q: debug is %v, %v", args, job.Debug, err)
		}
	}
}
