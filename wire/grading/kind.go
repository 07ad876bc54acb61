package grading

import (
	"errors"
	"fmt"

	"github.com/ingot-grading/ingot/wire"
)

// Kind is the text under "type".
type Kind string

// The kinds of frames. Those of the agent come first, the rest is from containers.
const (
	KindStart             Kind = "start"
	KindRunStudentStarted Kind = "run_student_started"
	KindRunStudentRetval  Kind = "run_student_retval"

	KindRunStudent     Kind = "run_student"
	KindSSHDebug       Kind = "ssh_debug"
	KindSSHKey         Kind = "ssh_key" // images before 0.8
	KindSSHStudent     Kind = "ssh_student"
	KindResult         Kind = "result"
	KindRunStudentInit Kind = "run_student_init" // forwarded to the student container
	KindStdin          Kind = "stdin"            // forwarded to the student container
	KindStudentSignal  Kind = "student_signal"   // forwarded to the student container

	KindStdout Kind = "stdout" // of a student container, forwarded to the grading one
	KindStderr Kind = "stderr" // of a student container, forwarded to the grading one

	KindTaken Kind = "taken" // forwarded both ways, between containers of this project only
)

// ErrUnknownKind is a frame of a kind that nobody knows: to be ignored.
var ErrUnknownKind = errors.New("unknown kind of frame")

// Header is what a frame tells of itself before it is decoded. The slices share
// memory with the frame and are nil if it does not say.
type Header struct {
	Kind      Kind   // "" if it is unknown
	Container []byte // student_container_id: the container to forward it to
	Socket    []byte // socket_id: the run_student that it belongs to
}

// Peek reads the header of a frame. It allocates nothing. The rest of the
// frame has to be well-formed, but is not checked as [Decode] does. Errors wrap
// [wire.ErrMsgpack], [wire.ErrValue] or [wire.ErrLimit].
func Peek(frame []byte) (Header, error) {
	var h Header
	if len(frame) == 0 {
		return h, fmt.Errorf("grading: %w: empty frame", wire.ErrMsgpack)
	}
	typed := false
	err := wire.Limits{}.Walk(frame, func(key, value wire.Raw) error {
		name, _ := key.Bytes()
		switch string(name) {
		case "type":
			kind, ok := value.Bytes()
			typed = ok && value.Kind() == wire.KindText
			h.Kind = kinds[string(kind)]
		case "student_container_id":
			h.Container, _ = value.Bytes()
		case "socket_id":
			h.Socket, _ = value.Bytes()
		}
		return nil
	})
	if err == nil && !typed {
		err = fmt.Errorf("%w: no type", wire.ErrValue)
	}
	if err != nil {
		return Header{}, fmt.Errorf("grading: %w", err)
	}
	return h, nil
}

var kinds = func() map[string]Kind {
	m := map[string]Kind{}
	for kind := range fresh {
		m[string(kind)] = kind
	}
	return m
}()
