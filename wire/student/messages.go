package student

import (
	"fmt"

	"github.com/ingot-grading/ingot/wire"
	"github.com/tinylib/msgp/msgp"
)

//go:generate go tool msgp -io=false -tests=false -o messages_gen.go

//msgp:replace string with:wire.Text

// Command is what a student container is to run.
type Command struct {
	ContainerID string  `msg:"student_container_id"`
	Command     *string `msg:"command"`         // to be split as a shell does; nil or empty: nothing
	Teardown    *string `msg:"teardown_script"` // run afterwards, the same way
	WorkingDir  string  `msg:"working_dir"`
	SSH         bool    `msg:"ssh"`  // offer an SSH login after the command
	User        string  `msg:"user"` // worker or root
}

// Login is how to log in to a student container by SSH.
type Login struct {
	User     string `msg:"ssh_user"`
	Password string `msg:"password"`
}

const (
	kindCommand = "run_student_command"
	kindLogin   = "ssh_student"
)

// appendTo adds m to b. A string is valid UTF-8 afterwards, so nothing can fail
// but a defect of ours.
func appendTo(b []byte, kind string, m msgp.Marshaler) ([]byte, error) {
	b, err := wire.AppendTyped(b, kind, m)
	if err != nil {
		return b, fmt.Errorf("student: encode %s: %w", kind, err)
	}
	return b, nil
}

// decode reads one message of that kind, which has to fill b.
func decode(b []byte, kind string, m msgp.Unmarshaler) error {
	if err := (wire.Limits{TextKeys: true}).Check(b); err != nil {
		return fmt.Errorf("student: %s: %w", kind, err)
	}
	v, _ := wire.Lookup(b, "type")
	if got, ok := v.Text(); !ok || got != kind {
		return fmt.Errorf("student: %w: want a %s", wire.ErrUnknownType, kind)
	}
	if _, err := m.UnmarshalMsg(b); err != nil {
		return fmt.Errorf("student: %s: %w: %w", kind, wire.ErrValue, err)
	}
	return nil
}
