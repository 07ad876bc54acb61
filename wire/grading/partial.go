package grading

import "github.com/ingot-grading/ingot/wire"

//go:generate go tool msgp -io=false -tests=false -o partial_gen.go

//msgp:replace int64 with:number
//msgp:ignore number

// number is how generated code calls wire.Int in this file.
type number = wire.Int

// The messages here have fields that some families of images lack: an empty
// text is left out. Their texts are ids, which [Append] refuses if they are not
// UTF-8.

// RunStudentStarted tells that a student container was made. Agent to grading.
type RunStudentStarted struct {
	SocketID    string `msg:"socket_id,omitempty"`
	ContainerID string `msg:"container_id,omitempty"` // since 0.8
}

// TellRetval is a variable in the environment of student containers that have
// their own kernel. Where it is not empty, a container of this project ends its
// output with a [RunStudentRetval] of its own: the runtime may not learn how a
// short life ended, as gVisor's. Agents of others do not know that frame from
// there, and containers of others do not look at the variable.
const TellRetval = "INGOT_TELL_RETVAL"

// FlowControl is a variable in the environment of containers whose kernels are
// their own. Where it is not empty, a container of this project says that it takes
// part in flow control by a [Taken] of nothing: the grading container to
// agents that gave it the variable, student containers where their grading container
// has said so. Those of others do not look at the variable, and nobody sends them
// frames that they do not know.
const FlowControl = "INGOT_FLOW_CONTROL"

// FlowWindow is how many bytes of a student container's input, or of its output,
// may be on their way before the sender waits for [Taken]: enough for some blocks
// of half a megabyte, as programs make them.
const FlowWindow = 2 << 20

// FlowStep is how many bytes are taken before that is told: less than the window,
// so that whoever waits will hear of it, and enough not to answer each short line.
const FlowStep = FlowWindow / 4

// NoneLeft as the size of a [Taken] says that nobody is left to take anything.
const NoneLeft = -1

// Taken tells how much of what was sent has reached the program that it is for.
// Grading to agent, forwarded to the student container, for output; and the other
// way for input. The first one, of nothing, only says that others will follow.
type Taken struct {
	SocketID    string `msg:"socket_id,omitempty"`            // of the run_student, to the grading container
	ContainerID string `msg:"student_container_id,omitempty"` // to forward it to
	Size        int64  `msg:"size"`                           // in bytes
}

// RunStudentRetval tells how a student container ended (PROTOCOL.md 5.8). Agent
// to grading, exactly once per [RunStudent].
type RunStudentRetval struct {
	Retval   int64  `msg:"retval"`
	SocketID string `msg:"socket_id,omitempty"`
}

// SSHKey is [SSHDebug] as images before 0.8 say it. An empty user is "worker".
type SSHKey struct {
	User string `msg:"ssh_user,omitempty"`
	Key  string `msg:"ssh_key"` // the password
}
