package sched

import (
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Name names an environment.
type Name struct{ Type, Name string }

// newName returns the name of an environment, with what is too long cut off. Such
// names are the same if they begin the same.
func newName(kind, name string) Name { return Name{clip(kind), clip(name)} }

// String returns type/name.
func (n Name) String() string { return n.Type + "/" + n.Name }

// Job is what is known of a job once it is accepted. It does not change.
type Job struct {
	Request  *wire.ClientNewJob // not to be changed
	Client   wire.Peer          // the connection it came from
	Accepted time.Time
	Max      int64 // seconds it may take, -1 if unknown

	seq uint64 // order of acceptance
}

// Environment returns the name of the environment that the job wants.
func (j *Job) Environment() Name { return newName(j.Request.EnvironmentType, j.Request.Environment) }

// Info describes the job in listings: course/task, or the environment's name
// for a job without a task (PROTOCOL.md 1.6), with what is too long cut off.
func (j *Job) Info() string {
	r := j.Request
	if r.CourseID.Null && r.TaskID.Null {
		return clip(r.Environment)
	}
	return clip(r.CourseID.Value) + "/" + clip(r.TaskID.Value)
}

// Lanes is the number of lanes that statistics tell apart.
const Lanes = 3

// Lane groups priorities for statistics: 0 for priority 0 (submissions), 1 for
// priority 1 (replays), 2 for all others.
func (j *Job) Lane() int {
	if p := j.Request.Priority; p == 0 || p == 1 {
		return int(p)
	}
	return 2
}

// key tells jobs apart. Ids of clients up to 0.6 are unique per connection,
// later ones over all clients (PROTOCOL.md 1.3).
type key struct {
	client *client // nil for later ones
	id     string
}

// agentKey tells the jobs of one agent apart, by what the agent calls them.
type agentKey struct{ client, id string }

// routing returns the client's routing id as it goes with the job's id.
func (k agentKey) routing() []byte {
	if k.client == "" {
		return nil
	}
	return []byte(k.client)
}

// phase is where a job is; the package comment has the diagram.
type phase uint8

const (
	waiting phase = iota
	sent          // to an agent, which has not said that it started
	started
	ended
)

// maxSends is how often a job is sent to an agent before it is given up: one
// that costs every agent its connection must not go round for ever.
const maxSends = 5

// job is a job with what changes about it.
type job struct {
	Job
	owner   *client
	ownerAt int // in owner.jobs
	key     key
	size    int64 // of the message it came in, about
	phase   phase

	topic   *topic
	waitsAt int // in topic.waiting, -1 if not there

	agent *agent   // nil while it waits
	as    agentKey // what agent calls it
	turn  uint64   // order of sending
	said  uint64   // when agent said last that it started
	began time.Time
	sends int

	killed  bool // its agent was asked to kill it
	retried bool // it had started on a lost agent
	told    bool // its client knows that it started
	ssh     bool // its client knows the way in
}

// size returns about how many bytes r keeps.
func size(r *wire.ClientNewJob) int64 {
	return int64(len(r.JobID) + len(r.CourseID.Value) + len(r.TaskID.Value) + len(r.TaskProblems) + len(r.InputData) +
		len(r.EnvironmentType) + len(r.Environment) + len(r.Parameters) + len(r.Launcher))
}

// nameFor returns what a is to call j.
func (j *job) nameFor(a *agent) agentKey {
	if a.old {
		return agentKey{j.owner.routing, j.Request.JobID}
	}
	return agentKey{"", j.Request.JobID}
}

// result is the answer of the backend itself; text is for the student
// (PROTOCOL.md 2.7). The state that came with the job goes back with it.
func (j *job) result(status, text string, output wire.Nullable) wire.Result {
	return wire.Result{Status: status, Text: text, State: wire.StateOf(j.Request.InputData), Stdout: output, Stderr: output}
}
