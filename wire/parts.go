package wire

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// badRow turns an error of generated code into one of ours.
func badRow(err error) error { return fmt.Errorf("%w: %w", ErrValue, err) }

// pair splits an array of two.
func pair(v Raw) (first, second Raw, err error) {
	s, err := scan(v, KindArray, Limits{Depth: defaultDepth})
	if err != nil {
		return nil, nil, err
	}
	if s.count != 2 {
		return nil, nil, fmt.Errorf("%w: want array of 2, got %d", ErrValue, s.count)
	}
	return s.pair()
}

// resultPair is [status, text].
func resultPair[T any](at func(*T) *Result) field[T] {
	return field[T]{
		key: "result",
		read: func(d *Dialect, v Raw, m *T) error {
			status, text, err := pair(v)
			if err != nil {
				return err
			}
			if at(m).Status, err = d.name(status); err != nil {
				return err
			}
			at(m).Text, err = sharedText(text)
			return err
		},
		send: func(_ *Dialect, b []byte, m *T) []byte {
			b = msgp.AppendArrayHeader(b, 2)
			return appendText(appendText(b, at(m).Status), at(m).Text)
		},
	}
}

// archive is bytes or nil. Python agents send the text that they could not
// decode (PROTOCOL.md 7.3): that is no archive, and no reason to lose a result.
func archive[T any](at func(*T) *Result) field[T] {
	return field[T]{
		key: "archive",
		read: func(_ *Dialect, v Raw, m *T) error {
			switch v.Kind() {
			case KindNil, KindText:
				return nil
			case KindBytes:
				at(m).Archive, _ = v.Bytes()
				return nil
			}
			return mismatch("bytes or nil", v)
		},
		send: func(_ *Dialect, b []byte, m *T) []byte {
			if at(m).Archive == nil {
				return msgp.AppendNil(b)
			}
			return msgp.AppendBytes(b, at(m).Archive)
		},
	}
}

// brokeredID is the job id between a backend and agents up to 0.6: the client's
// routing id and the id that the client chose (PROTOCOL.md 1.3).
func brokeredID[T any](at func(*T) (client *[]byte, id *string)) field[T] {
	return field[T]{
		key: "job_id",
		read: func(d *Dialect, v Raw, m *T) error {
			client, job, err := pair(v)
			if err != nil {
				return err
			}
			if client.Kind() != KindBytes {
				return mismatch("bytes", client)
			}
			b, _ := client.Bytes()
			to, name := at(m)
			*to = append([]byte{}, b...) // outlives the frame, as the id does
			*name, err = d.name(job)
			return err
		},
		send: func(_ *Dialect, b []byte, m *T) []byte {
			client, id := at(m)
			b = msgp.AppendBytes(msgp.AppendArrayHeader(b, 2), *client)
			return appendText(b, *id)
		},
	}
}

// legacyEnvironment is an environment that has only a name.
func legacyEnvironment[T any](at func(*T) (kind, name *string)) field[T] {
	return field[T]{
		key: "environment",
		read: func(d *Dialect, v Raw, m *T) (err error) {
			kind, name := at(m)
			*name, err = d.name(v)
			*kind = legacyType(*name)
			return err
		},
		send: func(_ *Dialect, b []byte, m *T) []byte {
			_, name := at(m)
			return appendText(b, *name)
		},
	}
}
