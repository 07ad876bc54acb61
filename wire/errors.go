package wire

import (
	"errors"
	"fmt"
)

// Why a frame was refused. Errors of this package wrap one of these and name
// the message, the field or the place.
var (
	// ErrMsgpack: the bytes are not one whole value that Python would take.
	ErrMsgpack = errors.New("bad msgpack")
	// ErrLimit: the frame goes over one of the [Limits].
	ErrLimit = errors.New("over a limit")
	// ErrUnknownType: not a map, or no known text under "@type" or "type".
	ErrUnknownType = errors.New("unknown message type")
	// ErrFields: fields are missing, or there are others than the type has.
	ErrFields = errors.New("wrong fields")
	// ErrValue: a value does not have the type that its field asks for.
	ErrValue = errors.New("wrong value")
	// ErrGeneration: the message is good, but of another generation than what
	// the same peer sent before.
	ErrGeneration = errors.New("message of another generation")
)

// ErrShort is an [ErrMsgpack]: the value is longer than the bytes.
var ErrShort = fmt.Errorf("%w: cut short", ErrMsgpack)

var (
	errTrailing = fmt.Errorf("%w: bytes behind the value", ErrMsgpack)
	errUTF8     = fmt.Errorf("%w: text is not UTF-8", ErrMsgpack)
	errKey      = fmt.Errorf("%w: map key of a refused type", ErrMsgpack)
	errCode     = fmt.Errorf("%w: unused or extension type", ErrMsgpack)
	errDepth    = fmt.Errorf("%w: nested too deep", ErrLimit)
)

// mismatch says that v is not what was wanted.
func mismatch(want string, v Raw) error {
	return fmt.Errorf("%w: want %s, got %s", ErrValue, want, v.Kind())
}
