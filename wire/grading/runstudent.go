package grading

import "github.com/ingot-grading/ingot/wire"

//go:generate go tool msgp -io=false -tests=false -unexported -o runstudent_gen.go

//msgp:ignore RunStudent limit

// RunStudent asks for a student container. Grading to agent.
type RunStudent struct {
	Environment  *string // nil: that of the grading container
	TimeLimit    int64   // CPU seconds; 0: that of the grading container
	HardLimit    int64   // seconds of wall time; 0: that of the grading container
	MemoryLimit  int64   // MiB; 0: that of the grading container
	ShareNetwork bool
	SocketID     string
	SSH          bool
	RunAsRoot    bool
	Old          bool // from an image before 0.8, which has no SSH and RunAsRoot
}

// runStudentFrame is how a [RunStudent] looks in its frame.
type runStudentFrame struct {
	Environment  *wire.Text `msg:"environment"`
	TimeLimit    limit      `msg:"time_limit"`
	HardLimit    limit      `msg:"hard_time_limit"`
	MemoryLimit  limit      `msg:"memory_limit"`
	ShareNetwork flag       `msg:"share_network"`
	SocketID     wire.Text  `msg:"socket_id"`
	SSH          *flag      `msg:"ssh,omitempty"`
	RunAsRoot    *flag      `msg:"run_as_root,omitempty"`
}

// Msgsize returns an upper bound for the encoded size.
func (r *RunStudent) Msgsize() int { return r.frame().Msgsize() }

// MarshalMsg appends r, without its type, to b.
func (r *RunStudent) MarshalMsg(b []byte) ([]byte, error) { return r.frame().MarshalMsg(b) }

func (r *RunStudent) frame() *runStudentFrame {
	f := &runStudentFrame{
		Environment: (*wire.Text)(r.Environment),
		TimeLimit:   limit(r.TimeLimit), HardLimit: limit(r.HardLimit), MemoryLimit: limit(r.MemoryLimit),
		ShareNetwork: flag(r.ShareNetwork), SocketID: wire.Text(r.SocketID),
	}
	if !r.Old {
		f.SSH, f.RunAsRoot = (*flag)(&r.SSH), (*flag)(&r.RunAsRoot)
	}
	return f
}

// UnmarshalMsg reads r from the front of b and returns the rest.
func (r *RunStudent) UnmarshalMsg(b []byte) ([]byte, error) {
	var f runStudentFrame
	rest, err := f.UnmarshalMsg(b)
	if err != nil {
		return b, err
	}
	*r = RunStudent{
		Environment: (*string)(f.Environment),
		TimeLimit:   int64(f.TimeLimit), HardLimit: int64(f.HardLimit), MemoryLimit: int64(f.MemoryLimit),
		ShareNetwork: bool(f.ShareNetwork), SocketID: string(f.SocketID),
		SSH:       f.SSH != nil && bool(*f.SSH),
		RunAsRoot: f.RunAsRoot != nil && bool(*f.RunAsRoot),
		Old:       f.SSH == nil && f.RunAsRoot == nil,
	}
	return rest, nil
}
