package grading

import (
	"fmt"
	"math"

	"github.com/ingot-grading/ingot/wire"
)

// limit is a limit that a grader's script has computed, and so any number of
// Python's: what is not whole is rounded up, as 0 means something else, and what
// does not fit is the nearest that does. It reads nil as 0.
type limit int64

// Msgsize returns an upper bound for the encoded size.
func (limit) Msgsize() int { return wire.Int(0).Msgsize() }

// MarshalMsg appends l to b.
func (l limit) MarshalMsg(b []byte) ([]byte, error) { return wire.Int(l).MarshalMsg(b) }

// UnmarshalMsg reads a number or nil from the front of b and returns the rest.
func (l *limit) UnmarshalMsg(b []byte) ([]byte, error) {
	var v wire.Raw
	rest, err := v.UnmarshalMsg(b)
	if err != nil {
		return b, err
	}
	switch v.Kind() {
	case wire.KindNil:
		*l = 0
	case wire.KindBool:
		*l = 0
		if on, _ := v.Bool(); on {
			*l = 1
		}
	case wire.KindInt:
		n, ok := v.Int()
		if !ok { // above all that fit
			n = math.MaxInt64
		}
		*l = limit(n)
	case wire.KindFloat:
		f, _ := v.Float()
		*l = roundUp(f)
	default:
		return b, fmt.Errorf("%w: a limit that is no number", wire.ErrValue)
	}
	return rest, nil
}

func roundUp(f float64) limit {
	switch f = math.Ceil(f); {
	case math.IsNaN(f):
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return limit(f)
}
