package grading

import "github.com/ingot-grading/ingot/wire"

//go:generate go tool msgp -io=false -tests=false -o messages_gen.go

//msgp:replace string with:wire.Text
//msgp:replace bool with:flag

// SSHDebug says that the grading container waits for an SSH login. Grading to agent.
type SSHDebug struct {
	User string `msg:"ssh_user"`
	Key  string `msg:"ssh_key"` // the password
}

// SSHStudent says that a student container waits for an SSH login. Grading to
// agent, or from the student container itself.
type SSHStudent struct {
	User        string `msg:"ssh_user"`
	Key         string `msg:"ssh_key"` // the password
	ContainerID string `msg:"container_id"`
}

// Result is the grader's result; the last one of a container counts. Grading to agent.
type Result struct {
	Result wire.Raw `msg:"result"` // a map, to be validated as PROTOCOL.md 7.3 says
}

// RunStudentInit tells a student container that shares no kernel with the
// grading one what to run. Grading to agent, forwarded to the student container.
type RunStudentInit struct {
	SocketID    string  `msg:"socket_id"`
	ContainerID string  `msg:"student_container_id"`
	Command     *string `msg:"command"`
	Teardown    string  `msg:"teardown_script"`
	WorkingDir  string  `msg:"working_dir"`
	SSH         bool    `msg:"ssh"`
	User        string  `msg:"user"`
}

// Stdin is input for such a student container. Forwarded to it.
type Stdin struct {
	Message     []byte `msg:"message,zerocopy"`
	ContainerID string `msg:"student_container_id"`
}

// StudentSignal is a signal for such a student container. Forwarded to it.
type StudentSignal struct {
	ContainerID string `msg:"student_container_id"`
	Signal      []byte `msg:"signal_data,zerocopy"` // three ASCII digits
}

// Stdout is output of such a student container. Forwarded to the grading container.
type Stdout struct {
	SocketID string `msg:"socket_id"`
	Message  []byte `msg:"message,zerocopy"`
}

// Stderr is error output of such a student container. Forwarded to the grading container.
type Stderr struct {
	SocketID string `msg:"socket_id"`
	Message  []byte `msg:"message,zerocopy"`
}

// String keeps the password out of what is printed.
func (m *SSHDebug) String() string { return "SSH login of " + m.User }

// String keeps the password out of what is printed.
func (m *SSHKey) String() string { return "SSH login of " + m.User }

// String keeps the password out of what is printed.
func (m *SSHStudent) String() string { return "SSH login of " + m.User + " in " + m.ContainerID }

func (*Start) kind() Kind             { return KindStart }
func (*RunStudentStarted) kind() Kind { return KindRunStudentStarted }
func (*RunStudentRetval) kind() Kind  { return KindRunStudentRetval }
func (*RunStudent) kind() Kind        { return KindRunStudent }
func (*SSHDebug) kind() Kind          { return KindSSHDebug }
func (*SSHKey) kind() Kind            { return KindSSHKey }
func (*SSHStudent) kind() Kind        { return KindSSHStudent }
func (*Result) kind() Kind            { return KindResult }
func (*RunStudentInit) kind() Kind    { return KindRunStudentInit }
func (*Stdin) kind() Kind             { return KindStdin }
func (*StudentSignal) kind() Kind     { return KindStudentSignal }
func (*Stdout) kind() Kind            { return KindStdout }
func (*Stderr) kind() Kind            { return KindStderr }
func (*Taken) kind() Kind             { return KindTaken }
