package grade

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/grading"
)

// secret is a password; nothing of the agent may ever log it.
const secret = "Sesame+open/16=="

// once is an uplink that takes one way in, as an agent's does.
type once struct{ ways []wire.SSH }

func (o *once) SSH(way wire.SSH) error {
	if len(o.ways) > 0 {
		return fmt.Errorf("no second way: %v", way)
	}
	o.ways = append(o.ways, way)
	return nil
}

// visited is a job with a port of its own and two students, of which the first
// has one, after a third that has ended. Its log is in the builder.
func visited(port uint16) (*job, *once, *strings.Builder) {
	var log strings.Builder
	up := new(once)
	j := &job{
		e: &Executor{cfg: Config{DebugHost: "grader.example.org"}}, id: "j1", up: up, sshPort: port,
		log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	j.students = &students{j: j, made: 3, living: map[string]*student{"p2": {name: "s2"}, "p3": {name: "s3"}}}
	j.students.living["p2"].sshPort.Store(64122)
	return j, up, &log
}

// Which logins are announced, and where they lead.
func TestLogins(t *testing.T) {
	for name, c := range map[string]struct {
		port uint16
		from grading.Message
		want int64 // the announced port; 0: none
		user string
		ends bool // the job
	}{
		"grader":           {64120, &grading.SSHDebug{User: "worker", Key: secret}, 64120, "worker", false},
		"grader as root":   {64120, &grading.SSHDebug{User: "root", Key: secret}, 64120, "root", false},
		"old grader":       {64120, &grading.SSHKey{Key: secret}, 64120, "worker", false},
		"grader unasked":   {0, &grading.SSHDebug{User: "worker", Key: secret}, 0, "", false},
		"student":          {0, &grading.SSHStudent{User: "worker", Key: secret, ContainerID: "ingot-j1-s2-c"}, 64122, "worker", false},
		"student unasked":  {64120, &grading.SSHStudent{User: "worker", Key: secret, ContainerID: "ingot-j1-s3-c"}, 0, "", false},
		"student gone":     {64120, &grading.SSHStudent{User: "worker", Key: secret, ContainerID: "ingot-j1-s1-c"}, 0, "", false},
		"student to come":  {64120, &grading.SSHStudent{User: "worker", Key: secret, ContainerID: "ingot-j1-s4-c"}, 0, "", true},
		"student 0":        {64120, &grading.SSHStudent{User: "worker", Key: secret, ContainerID: "ingot-j1-s0-c"}, 0, "", true},
		"student 01":       {64120, &grading.SSHStudent{User: "worker", Key: secret, ContainerID: "ingot-j1-s01-c"}, 0, "", true},
		"of another job":   {64120, &grading.SSHStudent{User: "worker", Key: secret, ContainerID: "ingot-j2-s2"}, 0, "", true},
		"a name alone":     {64120, &grading.SSHStudent{User: "worker", Key: secret, ContainerID: "ingot-j1-s1"}, 0, "", true},
		"the grader's id":  {64120, &grading.SSHStudent{User: "worker", Key: secret, ContainerID: "ingot-j1-grader-c"}, 0, "", true},
		"no user":          {64120, &grading.SSHDebug{Key: secret}, 0, "", false},
		"no password":      {64120, &grading.SSHDebug{User: "worker"}, 0, "", false},
		"a long password":  {64120, &grading.SSHDebug{User: "worker", Key: strings.Repeat(secret, 9)}, 0, "", false},
		"control sequence": {64120, &grading.SSHDebug{User: "\x1b[2Jworker", Key: secret}, 0, "", false},
	} {
		j, up, log := visited(c.port)
		err := j.letIn(loginOf(c.from))
		if (err != nil) != c.ends {
			t.Errorf("%s: the job ends with %v", name, err)
		}
		if c.ends && (!errors.Is(err, errForeign) || !strings.Contains(textOf(err), "SSH")) {
			t.Errorf("%s: got %v", name, err)
		}
		want := wire.SSH{Host: "grader.example.org", Port: c.want, User: c.user, Password: secret}
		if announced := len(up.ways) == 1 && up.ways[0] == want; announced != (c.want != 0) || !announced && len(up.ways) > 0 {
			t.Errorf("%s: announced %v, want port %d", name, up.ways, c.want)
		}
		if strings.Contains(log.String()+fmt.Sprint(err), secret) {
			t.Errorf("%s: the password is in the log: %s (%v)", name, log, err)
		}
	}
}

// What containers write is logged without the passwords that they told.
func TestPasswordsAreHidden(t *testing.T) {
	j, _, _ := visited(64120)
	for _, m := range []grading.Message{
		&grading.SSHDebug{User: "worker", Key: secret}, &grading.SSHStudent{User: "\x00", Key: "another", ContainerID: "ingot-j1-s3-c"},
	} {
		if err := j.letIn(loginOf(m)); err != nil {
			t.Fatal(err)
		}
	}
	if got := j.secrets.hide("chpasswd: worker:" + secret + " and another\n"); got != "chpasswd: worker:[password] and [password]\n" {
		t.Errorf("got %q", got)
	}
}

// There is one way into a job, and who offers more fills no log.
func TestOneLoginPerJob(t *testing.T) {
	j, up, log := visited(64120)
	for range 1000 {
		if err := j.letIn(login{"", "worker", secret}); err != nil {
			t.Fatal(err)
		}
	}
	if len(up.ways) != 1 {
		t.Errorf("announced %d times", len(up.ways))
	}
	if n := strings.Count(log.String(), "\n"); n != 1+maxComplaints {
		t.Errorf("%d lines in the log, want %d", n, 1+maxComplaints)
	}
	if strings.Contains(log.String(), secret) {
		t.Errorf("the password is in the log: %s", log)
	}
}

// Frames with logins reach the job's loop, and those that cannot be read are not
// logged with what is in them.
func TestLoginsPassTheInbox(t *testing.T) {
	var log strings.Builder
	logins, over := make(chan login, 1), make(chan struct{})
	in := inbox{
		log:    slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		logins: logins, over: over, routes: &routes{},
	}
	take := func(frame []byte) {
		t.Helper()
		if err := in.take(frame); err != nil {
			t.Fatal(err)
		}
	}
	take(encode(t, &grading.SSHStudent{User: "u", Key: secret, ContainerID: "c"}))
	if got := <-logins; got != (login{"c", "u", secret}) {
		t.Errorf("got the login of %q in %q", got.user, got.container)
	}
	whole := encode(t, &grading.SSHDebug{User: "worker", Key: secret})
	for n := range whole {
		take(whole[:n])
		take(append(whole[:n:n], 0xc1))
	}
	close(over) // nobody takes logins any more
	take(whole)
	take(whole)
	if strings.Contains(log.String(), secret) || strings.Contains(log.String(), secret[:8]) {
		t.Errorf("the password is in the log: %s", &log)
	}
}
