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
