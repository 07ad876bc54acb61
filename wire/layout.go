package wire

import (
	"fmt"
	"math/bits"

	"github.com/tinylib/msgp/msgp"
)

// maxFields is more than any message has, with its discriminator.
const maxFields = 16

// field is one entry of a message's map: how it is called, which generations
// have it, and how it gets into and out of the model.
type field[T any] struct {
	key  string
	in   generations // none: all of the layout's
	read func(d *Dialect, v Raw, m *T) error
	send func(d *Dialect, b []byte, m *T) []byte

	wire []byte // the key as it is sent
}

// from limits a field to those generations.
func (f field[T]) from(set generations) field[T] {
	f.in = set
	return f
}

// spelling is a [layout] whose message type is not known at compile time.
type spelling interface {
	decode(d *Dialect, entries []entry, into Message) (Message, generations, error)
	append(d *Dialect, b []byte, m Message) []byte
}

// layout is how one message is spelled before or since 0.7. All about a message
// is in its layout: both directions and all generations.
type layout[T any, M interface {
	*T
	Message
}] struct {
	in     generations
	fields []field[T]
	want   [GH + 1]uint16 // per generation: a bit for each field it has
	count  [GH + 1]uint32 // per generation: how many those are, and the discriminator
	tail   []byte         // the discriminator as it is sent
	after  func(d *Dialect, m *T)
}

func newLayout[T any, M interface {
	*T
	Message
}](in generations, kind string, fields ...[]field[T]) *layout[T, M] {
	l := &layout[T, M]{in: in}
	for _, part := range fields {
		l.fields = append(l.fields, part...)
	}
	key := "@type"
	if in == legacy {
		key = "type"
	}
	l.tail = msgp.AppendString(msgp.AppendString(nil, key), kind)
	for i := range l.fields {
		f := &l.fields[i]
		f.wire = msgp.AppendString(nil, f.key)
		if f.in == 0 {
			f.in = in
		}
		for g := G5; g <= GH; g++ {
			if f.in.has(g) {
				l.want[g] |= 1 << i
			}
		}
	}
	for g := G5; g <= GH; g++ {
		l.count[g] = uint32(bits.OnesCount16(l.want[g])) + 1
	}
	return l
}

// then adds what has to be done when all fields of a message are read.
func (l *layout[T, M]) then(f func(d *Dialect, m *T)) *layout[T, M] {
	l.after = f
	return l
}

// append adds m to b as the dialect spells it. m is of the layout's type.
func (l *layout[T, M]) append(d *Dialect, b []byte, m Message) []byte {
	t := (*T)(m.(M))
	b = msgp.AppendMapHeader(b, l.count[d.gen])
	for i := range l.fields {
		f := &l.fields[i]
		if f.in.has(d.gen) {
			b = f.send(d, append(b, f.wire...), t)
		}
	}
	return append(b, l.tail...)
}

// decode reads the fields of a message into into, or into a new message if into
// is nil. It returns which generations have exactly these fields.
func (l *layout[T, M]) decode(d *Dialect, entries []entry, into Message) (Message, generations, error) {
	m, ok := into.(M)
	switch {
	case into == nil:
		m = M(new(T))
	case !ok:
		return nil, 0, fmt.Errorf("%w: not a %T", ErrUnknownType, into)
	default:
		*m = *new(T)
	}
	got, next := uint16(0), 0
	for _, e := range entries {
		i := l.find(e.key, next)
		if i < 0 {
			return nil, 0, fmt.Errorf("%w: %q is not one of them", ErrFields, clip(e.key))
		}
		f := &l.fields[i]
		if err := f.read(d, e.value, (*T)(m)); err != nil {
			return nil, 0, fmt.Errorf("%s: %w", f.key, err)
		}
		got |= 1 << i
		next = i + 1
	}
	in := l.having(got)
	if in == 0 {
		return nil, 0, l.wrongFields(d.gen, got)
	}
	if l.after != nil {
		l.after(d, (*T)(m))
	}
	return m, in, nil
}

// find returns the index of the field called key, or -1. Peers send fields in
// order, so the search begins where the last one ended.
func (l *layout[T, M]) find(key []byte, next int) int {
	for i := range l.fields {
		i = (next + i) % len(l.fields)
		if l.fields[i].key == string(key) {
			return i
		}
	}
	return -1
}

// having returns the generations that have exactly the fields got.
func (l *layout[T, M]) having(got uint16) (set generations) {
	for g := G5; g <= GH; g++ {
		if l.in.has(g) && l.want[g] == got {
			set |= 1 << g
		}
	}
	return set
}

// wrongFields names the first field that tells got from what g has.
func (l *layout[T, M]) wrongFields(g Generation, got uint16) error {
	if !l.in.has(g) {
		g = l.in.newest()
	}
	for i := range l.fields {
		switch bit := uint16(1 << i); {
		case l.want[g]&bit == got&bit:
		case got&bit == 0:
			return fmt.Errorf("%w: %q is missing", ErrFields, l.fields[i].key)
		default:
			return fmt.Errorf("%w: %q is not one of %s", ErrFields, l.fields[i].key, g)
		}
	}
	return ErrFields
}
