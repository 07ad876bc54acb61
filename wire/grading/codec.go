package grading

import (
	"fmt"
	"math"

	"github.com/ingot-grading/ingot/wire"
	"github.com/tinylib/msgp/msgp"
)

// Message is one of the message types of this package, always as a pointer.
type Message interface {
	msgp.Marshaler
	msgp.Unmarshaler
	kind() Kind
}

var fresh = map[Kind]func() Message{
	KindStart:             func() Message { return new(Start) },
	KindRunStudentStarted: func() Message { return new(RunStudentStarted) },
	KindRunStudentRetval:  func() Message { return new(RunStudentRetval) },
	KindRunStudent:        func() Message { return new(RunStudent) },
	KindSSHDebug:          func() Message { return new(SSHDebug) },
	KindSSHKey:            func() Message { return new(SSHKey) },
	KindSSHStudent:        func() Message { return new(SSHStudent) },
	KindResult:            func() Message { return new(Result) },
	KindRunStudentInit:    func() Message { return new(RunStudentInit) },
	KindStdin:             func() Message { return new(Stdin) },
	KindStudentSignal:     func() Message { return new(StudentSignal) },
	KindStdout:            func() Message { return new(Stdout) },
	KindStderr:            func() Message { return new(Stderr) },
	KindTaken:             func() Message { return new(Taken) },
}

// limits are what any frame has to keep to. How large a frame may be is for the
// reader of frames to say.
var limits = wire.Limits{Frame: math.MaxInt, TextKeys: true}

// Decode reads one frame. It shares memory with the message, texts apart.
// Errors wrap [ErrUnknownKind] for a frame to ignore, or an error of package wire.
func Decode(frame []byte) (Message, error) {
	if err := limits.Check(frame); err != nil {
		return nil, fmt.Errorf("grading: %w", err)
	}
	h, err := Peek(frame)
	if err != nil {
		return nil, err
	}
	create, ok := fresh[h.Kind]
	if !ok {
		return nil, fmt.Errorf("grading: %w", ErrUnknownKind)
	}
	m := create()
	if _, err := m.UnmarshalMsg(frame); err != nil {
		return nil, fmt.Errorf("grading: %s: %w: %w", h.Kind, wire.ErrValue, err)
	}
	return m, nil
}

// Append adds m to dst as one frame's contents, without the frame's length, and
// returns the longer slice. Texts are made valid UTF-8. A [wire.Raw] inside is
// checked, as a value that Python refuses would end the container: then dst is
// returned as it was, with the error of [wire.Limits.Check].
func Append(dst []byte, m Message) ([]byte, error) {
	b, err := wire.AppendTyped(dst, string(m.kind()), m)
	if err != nil {
		return dst, fmt.Errorf("grading: %s: %w", m.kind(), err)
	}
	if err := limits.Check(b[len(dst):]); err != nil {
		return dst, fmt.Errorf("grading: %s: %w", m.kind(), err)
	}
	return b, nil
}
