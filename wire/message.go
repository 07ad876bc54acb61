package wire

import (
	"log/slog"
	"net"
	"strconv"
)

// Message is one of the message types of this package, always as a pointer.
type Message interface {
	// spellings returns how the message is spelled up to 0.6 and since 0.7.
	spellings() (before7, since7 spelling)
}

// Raw is one whole msgpack value, passed on byte for byte. An empty Raw stands
// for an empty map. A Raw that was decoded shares memory with its frame.
type Raw []byte

// Nullable is a text that may be nil on the wire. Its zero value is the empty
// text, not nil.
type Nullable struct {
	Value string
	Null  bool
}

// Debug says what a client wants to see of a job beside its result.
type Debug uint8

// The values of [Debug], sent as false, true and the text "ssh".
const (
	DebugOff Debug = iota
	DebugOn        // stdout and stderr of the grading script
	DebugSSH       // a shell in the grading container instead of grading
)

// ClientHello registers a client. Client to backend.
type ClientHello struct {
	Name string // always "me" in practice, unused
}

// ClientNewJob asks for a job. Client to backend.
type ClientNewJob struct {
	JobID           string
	Priority        int64 // smaller runs first
	CourseID        Nullable
	TaskID          Nullable // both nil: a job without a task
	TaskProblems    Raw
	InputData       Raw
	EnvironmentType string
	Environment     string
	Parameters      Raw // environment_parameters
	Debug           Debug
	Launcher        string // free text for display
}

// ClientKillJob asks for the end of a job, waiting or running. Client to backend.
type ClientKillJob struct{ JobID string }

// ClientGetQueue asks for a [BackendGetQueue]. Client to backend.
type ClientGetQueue struct{}

// BackendUpdateEnvironments tells a client which environments it may ask for.
// Backend to client: the answer to its hello, then whenever they change.
type BackendUpdateEnvironments struct {
	Available []EnvironmentNames // order kept
}

// EnvironmentNames lists the names of one environment type. It may be empty.
type EnvironmentNames struct {
	Type  string
	Names []string
}

// BackendJobStarted tells the job's client that an agent took it. Backend to client.
type BackendJobStarted struct{ JobID string }

// BackendJobDone ends a job. Backend to client, exactly once per job.
type BackendJobDone struct {
	JobID string
	Result
}

// Result is how a job ended, the same on both links.
type Result struct {
	Status   string // success, failed, crash, killed, overflow, timeout, error, or any text of a grader
	Text     string // reStructuredText
	Grade    float64
	Problems Raw // map: problem id → [status, text] or text
	Tests    Raw // map: tag id → value
	Custom   Raw // map
	State    string
	Archive  []byte // a .tgz; nil is sent as nil, empty as empty
	Stdout   Nullable
	Stderr   Nullable
}

// BackendJobSSHDebug gives a client the way into a container. Backend to client.
type BackendJobSSHDebug struct {
	JobID string
	SSH
}

// SSH is the way into a container. It prints without its password, and so do
// the messages that it is in.
type SSH struct {
	Host     string
	Port     int64
	User     string
	Password string
}

// String says where the way is.
func (s SSH) String() string {
	return s.User + "@" + net.JoinHostPort(s.Host, strconv.FormatInt(s.Port, 10))
}

// GoString keeps the password out of %#v.
func (s SSH) GoString() string { return s.String() }

// LogValue keeps the password out of logs.
func (s SSH) LogValue() slog.Value { return slog.StringValue(s.String()) }

// BackendGetQueue lists the jobs. Backend to client, the answer to [ClientGetQueue].
type BackendGetQueue struct {
	Running []RunningJob
	Waiting []WaitingJob
}

// BackendNewJob gives a job to an agent. Backend to agent.
type BackendNewJob struct {
	Client          []byte // routing id of the job's client; on the wire up to 0.6 only
	JobID           string
	CourseID        Nullable
	TaskID          Nullable
	TaskProblems    Raw
	InputData       Raw
	EnvironmentType string
	Environment     string
	Parameters      Raw
	Debug           Debug
}

// BackendKillJob asks an agent to end a job with status "killed". Backend to agent.
type BackendKillJob struct {
	Client []byte // as in BackendNewJob
	JobID  string
	State  string // for the result, if the agent does not know the job
}

// AgentHello registers an agent. Agent to backend, first on every connection
// and again whenever its environments change.
type AgentHello struct {
	FriendlyName string
	Slots        int64
	Types        []string      // the types in order, also those without any environment; may be nil
	Environments []Environment // order kept within a type
	SSHAllowed   bool          // 0.8.0 to 0.8.5 only
}

// Environment is one environment that an agent offers.
type Environment struct {
	Type       string
	Name       string
	ID         string // image id
	Title      string
	Created    float64 // Unix seconds
	Ports      []int64
	Runtime    string
	Advertised bool // shown to clients; true where the generation cannot say
}

// AgentJobStarted tells the backend that the agent took the job. Agent to backend.
type AgentJobStarted struct {
	Client []byte // as in BackendNewJob
	JobID  string
}

// AgentJobDone ends a job. Agent to backend, exactly once per job.
type AgentJobDone struct {
	Client []byte // as in BackendNewJob
	JobID  string
	Result
}

// AgentJobSSHDebug gives the way into a container. Agent to backend, at most once per job.
type AgentJobSSHDebug struct {
	Client []byte // as in BackendNewJob
	JobID  string
	SSH
}

// Ping asks for a [Pong]. Client to backend, backend to agent.
type Ping struct{}

// Pong answers a [Ping].
type Pong struct{}

// Unknown tells a peer that it has to say hello first. Backend to client or agent.
type Unknown struct{}
