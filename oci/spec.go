package oci

import (
	"errors"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// ErrRefused is what every refusal of an option or of the final check wraps.
var ErrRefused = errors.New("refused")

// Option changes one thing of a specification, or refuses.
type Option func(*specs.Spec) error

// New builds a specification from the hardened base and opts, in order. args is
// the command: with [FromImage] it takes the place of the image's command and
// keeps its entrypoint, as Docker does; without, it is the whole command line.
// Equal arguments give equal specifications. Errors wrap [ErrRefused].
func New(args []string, opts ...Option) (*specs.Spec, error) {
	return nil, errors.ErrUnsupported
}
