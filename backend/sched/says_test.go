package sched

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/wire"
)

// says makes a connection speak.
func (p *play) says(name, verb, job string, opt map[string]string) error {
	peer, ok := p.peers[name]
	if !ok {
		return fmt.Errorf("no connection %s", name)
	}
	if peer%2 == 1 {
		switch verb {
		case "down":
			p.step(AgentDown{peer})
			return nil
		case "alive":
			p.step(AgentAlive{peer})
			return nil
		case "full":
			p.step(AgentFull{Peer: peer, JobID: job})
			return nil
		case "long":
			msg, err := p.agentMessage(name, "done", job, opt)
			p.step(AgentExcess{peer, msg.(*wire.AgentJobDone)})
			return err
		}
		msg, err := p.agentMessage(name, verb, job, opt)
		p.step(AgentMessage{peer, p.old[name], msg})
		return err
	}
	switch verb {
	case "down":
		p.step(ClientDown{peer})
		return nil
	case "long":
		msg, err := newJob(job, opt)
		p.step(ClientExcess{peer, msg})
		return err
	}
	msg, err := clientMessage(verb, job, opt)
	p.step(ClientMessage{peer, p.old[name], msg})
	return err
}

// clientMessage makes: hello, ping, queue, kill JOB,
// new JOB [env=T/N] [prio=N] [state=TEXT] [time=SECONDS] [size=BYTES] [taskless], wrong. A
// job that is too large is said by long JOB, and a result that is by the same.
func clientMessage(verb, job string, opt map[string]string) (wire.Message, error) {
	switch verb {
	case "hello":
		return &wire.ClientHello{Name: "me"}, nil
	case "ping":
		return &wire.Ping{}, nil
	case "queue":
		return &wire.ClientGetQueue{}, nil
	case "kill":
		return &wire.ClientKillJob{JobID: job}, nil
	case "wrong":
		return &wire.Pong{}, nil
	case "new":
		return newJob(job, opt)
	}
	return nil, fmt.Errorf("unknown verb %s", verb)
}

func newJob(id string, opt map[string]string) (*wire.ClientNewJob, error) {
	typ, name, _ := strings.Cut(cmp.Or(opt["env"], "docker/default"), "/")
	m := &wire.ClientNewJob{
		JobID: id, CourseID: wire.Nullable{Value: "course"}, TaskID: wire.Nullable{Value: "task"},
		EnvironmentType: typ, Environment: name, Launcher: "someone",
	}
	if _, ok := opt["taskless"]; ok {
		m.CourseID, m.TaskID = wire.Nullable{Null: true}, wire.Nullable{Null: true}
	}
	var err error
	if v, ok := opt["prio"]; ok {
		m.Priority, err = strconv.ParseInt(v, 10, 64)
	}
	if v, ok := opt["state"]; ok {
		b := msgp.AppendMapHeader(nil, 1)
		m.InputData = msgp.AppendString(msgp.AppendString(b, "@state"), v)
	}
	if v, ok := opt["size"]; ok { // of what is passed on, in bytes
		n, e := strconv.Atoi(v)
		m.TaskProblems, err = make(wire.Raw, n), e
	}
	if v, ok := opt["time"]; ok {
		seconds, e := strconv.ParseInt(v, 10, 64)
		b := msgp.AppendString(msgp.AppendMapHeader(nil, 1), "limits")
		b = msgp.AppendString(msgp.AppendMapHeader(b, 1), "time")
		m.Parameters, err = msgp.AppendInt64(b, seconds), e
	}
	return m, err
}

// agentMessage makes: hello [slots=N] [env=T/N[@IMAGE][-],…], pong, started JOB,
// ssh JOB, done JOB [status=TEXT], wrong. IMAGE is a number, later ones are newer; -
// means that the environment is not advertised. Jobs of old clients are client:job.
func (p *play) agentMessage(name, verb, job string, opt map[string]string) (wire.Message, error) {
	var client []byte
	if c, id, ok := strings.Cut(job, ":"); ok {
		client, job = []byte("\x00"+c), id
	}
	switch verb {
	case "hello":
		return hello(name, opt)
	case "pong":
		return &wire.Pong{}, nil
	case "started":
		return &wire.AgentJobStarted{Client: client, JobID: job}, nil
	case "ssh":
		return &wire.AgentJobSSHDebug{Client: client, JobID: job, SSH: wire.SSH{Host: "host", Port: 22}}, nil
	case "done":
		r := wire.Result{Status: cmp.Or(opt["status"], "success"), Text: "by " + name, Grade: 100, State: "new"}
		return &wire.AgentJobDone{Client: client, JobID: job, Result: r}, nil
	case "wrong":
		return &wire.Ping{}, nil
	}
	return nil, fmt.Errorf("unknown verb %s", verb)
}

func hello(name string, opt map[string]string) (*wire.AgentHello, error) {
	slots, err := strconv.ParseInt(cmp.Or(opt["slots"], "1"), 10, 64)
	m := &wire.AgentHello{FriendlyName: name, Slots: slots}
	for env := range strings.SplitSeq(cmp.Or(opt["env"], "docker/default"), ",") {
		env, hidden := strings.CutSuffix(env, "-")
		env, image, _ := strings.Cut(env, "@")
		created, _ := strconv.ParseFloat(cmp.Or(image, "0"), 64)
		typ, n, _ := strings.Cut(env, "/")
		m.Environments = append(m.Environments, wire.Environment{
			Type: typ, Name: n, ID: image, Created: created, Advertised: !hidden,
		})
	}
	return m, err
}
