package grade

import (
	"cmp"
	"errors"
	"strconv"
	"strings"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/grading"
)

var (
	errForeign  = errors.New("the container is none of the job's")
	errNoPort   = errors.New("the container has no port for it")
	errBadLogin = errors.New("user or password that nobody could type")
)

// login is the way into a container, as the container says it.
type login struct {
	container      string // its id; "" is the grading container
	user, password string
}

// loginOf is the login in a frame that offers one.
func loginOf(m grading.Message) login {
	switch m := m.(type) {
	case *grading.SSHDebug:
		return login{"", m.User, m.Key}
	case *grading.SSHKey:
		return login{"", cmp.Or(m.User, "worker"), m.Key}
	case *grading.SSHStudent:
		return login{m.ContainerID, m.User, m.Key}
	}
	return login{}
}

// check refuses what is not fit to be shown to people.
func (l login) check() error {
	for _, text := range []string{l.user, l.password} {
		if !showable(text) {
			return errBadLogin
		}
	}
	return nil
}

// letIn tells the client of a way into one of the job's containers, the first
// time (PROTOCOL.md 3.3, 4.11). An error ends the job.
func (j *job) letIn(l login) error {
	j.secrets.add(l.password)
	port, err := j.portOf(l.container)
	if errors.Is(err, errForeign) {
		return refuse(err, "The task offered an SSH session in a container that is not its own.")
	}
	if err == nil {
		err = l.check()
	}
	if err == nil {
		err = j.up.SSH(wire.SSH{Host: j.e.cfg.DebugHost, Port: int64(port), User: l.user, Password: l.password})
	}
	if err != nil {
		if j.unlet++; j.unlet <= maxComplaints {
			j.log.Warn("SSH session not announced", "container", l.container, "err", err, "count", j.unlet)
		}
		return nil
	}
	j.log.Info("SSH session announced", "container", l.container, "user", l.user, "port", port)
	return nil
}

// noSSH says why the job's students may not be let in.
func (j *job) noSSH() string {
	if !j.e.cfg.SSH {
		return "The task asked for an SSH session, which this agent does not offer."
	}
	return "The task asked for an SSH session. That takes an environment of a type for SSH, and the network for grading."
}

// portOf is the external port for SSH of a container of the job.
func (j *job) portOf(container string) (port uint16, err error) {
	if container == "" {
		port = j.sshPort
	} else if s, err := j.students.find(container); err != nil {
		return 0, err
	} else if s != nil {
		port = uint16(s.sshPort.Load())
	}
	if port == 0 {
		return 0, errNoPort
	}
	return port, nil
}

// find returns the student container of that id, or nil if it was one of the
// job and has ended.
func (g *students) find(id string) (*student, error) {
	for _, s := range g.living {
		if g.j.containerID(s.name) == id {
			return s, nil
		}
	}
	text := strings.TrimSuffix(strings.TrimPrefix(id, "ingot-"+g.j.id+"-s"), idEnd)
	if n, _ := strconv.Atoi(text); n < 1 || n > g.made || id != g.j.containerID(studentName(n)) {
		return nil, errForeign // without its name, which may be anything
	}
	return nil, nil
}
