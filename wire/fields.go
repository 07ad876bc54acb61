package wire

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// The functions below make fields, one kind each. at says where in the model
// the field's value lives.

// id is a name or an identifier, kept apart from the frame.
func id[T any](key string, at func(*T) *string) field[T] {
	return field[T]{
		key: key,
		read: func(d *Dialect, v Raw, m *T) (err error) {
			*at(m), err = d.name(v)
			return err
		},
		send: func(_ *Dialect, b []byte, m *T) []byte { return appendText(b, *at(m)) },
	}
}

// optionalID is an id that may be nil.
func optionalID[T any](key string, at func(*T) *Nullable) field[T] {
	return field[T]{
		key: key,
		read: func(d *Dialect, v Raw, m *T) (err error) {
			*at(m) = Nullable{Null: v.Kind() == KindNil}
			if !at(m).Null {
				at(m).Value, err = d.name(v)
			}
			return err
		},
		send: func(_ *Dialect, b []byte, m *T) []byte { return appendNullable(b, *at(m)) },
	}
}

// text may be long and shares the frame's memory.
func text[T any](key string, at func(*T) *string) field[T] {
	return field[T]{
		key: key,
		read: func(_ *Dialect, v Raw, m *T) (err error) {
			*at(m), err = sharedText(v)
			return err
		},
		send: func(_ *Dialect, b []byte, m *T) []byte { return appendText(b, *at(m)) },
	}
}

// optionalText is a text that may be nil.
func optionalText[T any](key string, at func(*T) *Nullable) field[T] {
	return field[T]{
		key: key,
		read: func(_ *Dialect, v Raw, m *T) (err error) {
			*at(m) = Nullable{Null: v.Kind() == KindNil}
			if !at(m).Null {
				at(m).Value, err = sharedText(v)
			}
			return err
		},
		send: func(_ *Dialect, b []byte, m *T) []byte { return appendNullable(b, *at(m)) },
	}
}

func integer[T any](key string, at func(*T) *int64) field[T] {
	return field[T]{
		key: key,
		read: func(_ *Dialect, v Raw, m *T) error {
			n, ok := v.integer()
			if !ok {
				return mismatch("int", v)
			}
			*at(m) = n
			return nil
		},
		send: func(_ *Dialect, b []byte, m *T) []byte { return appendInt(b, *at(m)) },
	}
}

// number is always sent as a float, and taken as an int too.
func number[T any](key string, at func(*T) *float64) field[T] {
	return field[T]{
		key: key,
		read: func(_ *Dialect, v Raw, m *T) error {
			f, ok := v.Number()
			if !ok {
				return mismatch("float", v)
			}
			*at(m) = f
			return nil
		},
		send: func(_ *Dialect, b []byte, m *T) []byte { return msgp.AppendFloat64(b, *at(m)) },
	}
}

func boolean[T any](key string, at func(*T) *bool) field[T] {
	return field[T]{
		key: key,
		read: func(_ *Dialect, v Raw, m *T) error {
			on, ok := v.Bool()
			if !ok {
				return mismatch("bool", v)
			}
			*at(m) = on
			return nil
		},
		send: func(_ *Dialect, b []byte, m *T) []byte { return msgp.AppendBool(b, *at(m)) },
	}
}

// raw is passed on, whatever it is.
func raw[T any](key string, at func(*T) *Raw) field[T] {
	return field[T]{
		key: key,
		read: func(_ *Dialect, v Raw, m *T) error {
			*at(m) = v
			return nil
		},
		send: func(_ *Dialect, b []byte, m *T) []byte { return appendRaw(b, *at(m)) },
	}
}

func debug[T any](at func(*T) *Debug) field[T] {
	return field[T]{
		key: "debug",
		read: func(_ *Dialect, v Raw, m *T) (err error) {
			*at(m), err = debugOf(v)
			return err
		},
		send: func(_ *Dialect, b []byte, m *T) []byte { return appendDebug(b, *at(m)) },
	}
}

// name reads a text that is to outlive the frame.
func (d *Dialect) name(v Raw) (string, error) {
	b, ok := v.textBytes()
	if !ok {
		return "", mismatch("text", v)
	}
	return d.keep(b), nil
}

func sharedText(v Raw) (string, error) {
	b, ok := v.textBytes()
	if !ok {
		return "", mismatch("text", v)
	}
	return msgp.UnsafeString(b), nil
}

func appendNullable(b []byte, n Nullable) []byte {
	if n.Null {
		return msgp.AppendNil(b)
	}
	return appendText(b, n.Value)
}

// take books n entries that are about to be built.
func (d *Dialect) take(n int) error {
	if d.items -= n; d.items < 0 {
		return fmt.Errorf("%w: more than %d entries", ErrLimit, d.lim.Items)
	}
	return nil
}

// each calls f for the entries of the map v.
func (d *Dialect) each(v Raw, f func(key, value Raw) error) error {
	s, err := scan(v, KindMap, d.lim)
	if err != nil {
		return err
	}
	if err := d.take(s.count); err != nil {
		return err
	}
	return d.lim.Walk(v, f)
}
