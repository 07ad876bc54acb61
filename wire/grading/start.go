package grading

import "github.com/ingot-grading/ingot/wire"

//go:generate go tool msgp -io=false -tests=false -unexported -o start_gen.go

//msgp:replace string with:wire.Text
//msgp:replace bool with:flag
//msgp:ignore Start Fields EnvTypes

// Start is the first frame that a grading container gets. Agent to grading, once.
type Start struct {
	Input        wire.Raw // the job's inputs; its map keys have to be text
	Debug        wire.Debug
	EnvTypes     EnvTypes
	RunCmd       *string // nil: the task's run file
	RunAsRoot    bool
	SharedKernel bool
	Fields       Fields
}

// EnvTypes says of each environment type whether it shares the host's kernel.
type EnvTypes map[string]bool

// Fields is which fields a [Start] has. The zero value serves all images since
// 0.7; the others are what Python agents of other versions send.
type Fields uint8

// The sets of fields.
const (
	FieldsAll            Fields = iota
	FieldsNoSharedKernel        // agents of head: breaks images before 2026-08-14
	FieldsInputOnly             // 0.6: Input, Debug and RunCmd
)

// startFrame is how a [Start] looks in its frame.
type startFrame struct {
	Input        wire.Raw   `msg:"input"`
	Debug        wire.Debug `msg:"debug"`
	EnvTypes     EnvTypes   `msg:"envtypes,omitzero"`
	RunCmd       *string    `msg:"run_cmd,omitempty"`
	RunAsRoot    *bool      `msg:"run_as_root,omitempty"`
	SharedKernel *bool      `msg:"shared_kernel,omitempty"`
}

// Msgsize returns an upper bound for the encoded size.
func (s *Start) Msgsize() int { return s.frame().Msgsize() }

// MarshalMsg appends s, without its type, to b.
func (s *Start) MarshalMsg(b []byte) ([]byte, error) { return s.frame().MarshalMsg(b) }

func (s *Start) frame() *startFrame {
	f := &startFrame{Input: s.Input, Debug: s.Debug, RunCmd: s.RunCmd}
	if s.Fields == FieldsInputOnly {
		return f
	}
	f.EnvTypes, f.RunAsRoot = s.EnvTypes, &s.RunAsRoot
	if f.EnvTypes == nil {
		f.EnvTypes = EnvTypes{}
	}
	if s.Fields == FieldsAll {
		f.SharedKernel = &s.SharedKernel
	}
	return f
}

// UnmarshalMsg reads s from the front of b and returns the rest.
func (s *Start) UnmarshalMsg(b []byte) ([]byte, error) {
	var f startFrame
	rest, err := f.UnmarshalMsg(b)
	if err != nil {
		return b, err
	}
	*s = Start{Input: f.Input, Debug: f.Debug, EnvTypes: f.EnvTypes, RunCmd: f.RunCmd}
	switch {
	case f.EnvTypes == nil && f.RunAsRoot == nil && f.SharedKernel == nil:
		s.Fields = FieldsInputOnly
	case f.SharedKernel == nil:
		s.Fields = FieldsNoSharedKernel
	default:
		s.SharedKernel = *f.SharedKernel
	}
	if f.RunAsRoot != nil {
		s.RunAsRoot = *f.RunAsRoot
	}
	return rest, nil
}
