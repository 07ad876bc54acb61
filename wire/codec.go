package wire

import (
	"errors"
	"fmt"
	"slices"
)

// entry is one key of a frame's map with its value, both parts of the frame.
type entry struct {
	key   []byte
	value Raw
}

// Decode reads one message. The frame is the message's from then on: its [Raw]
// values, its archive and the texts of a result share memory with it, names and
// ids do not. Duplicate fields count as in Python, the last one wins.
//
// The errors are [ErrMsgpack], [ErrLimit], [ErrUnknownType], [ErrFields],
// [ErrValue] and [ErrGeneration]. After an error the dialect is as before.
func (d *Dialect) Decode(frame []byte) (Message, error) { return d.decode(frame, nil) }

// DecodeInto is [Dialect.Decode] into m, which is overwritten. It is for those
// who know what comes, and does not allocate. A message of another type gives
// [ErrUnknownType]; after any error m holds nothing useful.
func (d *Dialect) DecodeInto(frame []byte, m Message) error {
	_, err := d.decode(frame, m)
	return err
}

func (d *Dialect) decode(frame []byte, into Message) (Message, error) {
	defer d.forget()
	entries, err := d.split(frame)
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	entries, kind, spellings, err := d.discriminate(entries)
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	s, ok := spellings[string(kind)]
	if !ok {
		return nil, fmt.Errorf("wire: %w %q", ErrUnknownType, clip(kind))
	}
	d.hint, d.items = legacy|current, d.lim.Items
	m, in, err := s.decode(d, entries, into)
	if err == nil && in&d.known == 0 {
		err = d.stranger()
	}
	if err != nil {
		return nil, fmt.Errorf("wire: %s: %w", kind, err)
	}
	d.narrow(in, d.hint)
	return m, nil
}

// forget lets go of the frame, which may be large, while its peer says nothing.
func (d *Dialect) forget() {
	clear(d.entries[:])
	d.flat = flatParameters{}
}

// stranger is the error for a good message that this peer should not speak.
func (d *Dialect) stranger() error {
	if d.learns {
		return fmt.Errorf("%w, want %s", ErrGeneration, d.gen)
	}
	return fmt.Errorf("%w for %s", ErrFields, d.gen)
}

// split checks the whole frame in one pass and notes where its entries are.
func (d *Dialect) split(frame []byte) ([]entry, error) {
	if len(frame) > d.lim.Frame {
		return nil, fmt.Errorf("%w: a frame of %d bytes", ErrLimit, len(frame))
	}
	if len(frame) == 0 {
		return nil, ErrShort
	}
	s, err := scan(frame, KindMap, d.lim)
	if errors.Is(err, ErrValue) {
		return nil, fmt.Errorf("%w: not a map", ErrUnknownType)
	}
	if err != nil {
		return nil, err
	}
	if s.count > maxFields {
		return nil, fmt.Errorf("%w: there are %d", ErrFields, s.count)
	}
	s.w.strict, s.w.textKeys = true, d.lim.TextKeys
	entries := d.entries[:s.count]
	for i := range entries {
		k, v, err := s.pair()
		if err != nil {
			return nil, err
		}
		key, ok := k.textBytes()
		if !ok {
			return nil, fmt.Errorf("%w: a key is %s", ErrFields, k.Kind())
		}
		entries[i].key, entries[i].value = key, v
	}
	if s.at != len(frame) {
		return nil, errTrailing
	}
	return entries, nil
}

// discriminate takes the discriminator out of the entries. It returns the rest,
// the discriminator's value and the layouts to look it up in.
func (d *Dialect) discriminate(entries []entry) ([]entry, []byte, map[string]spelling, error) {
	key, table := "@type", currentSpellings
	at := -1
	if d.known&current != 0 {
		at = find(entries, key)
	}
	if at < 0 && d.known&legacy != 0 {
		key, table = "type", legacySpellings
		at = find(entries, key)
	}
	if at < 0 {
		return nil, nil, nil, fmt.Errorf("%w: no discriminator", ErrUnknownType)
	}
	v := entries[at].value
	kind, ok := v.textBytes()
	if !ok {
		return nil, nil, nil, fmt.Errorf("%w: the discriminator is %s", ErrUnknownType, v.Kind())
	}
	rest := entries[:0]
	for _, e := range entries {
		if string(e.key) != key {
			rest = append(rest, e)
		}
	}
	return rest, kind, table, nil
}

// find returns the index of the last entry with that key, or -1.
func find(entries []entry, key string) int {
	for i, e := range slices.Backward(entries) {
		if string(e.key) == key {
			return i
		}
	}
	return -1
}

// clip shortens what a stranger sent to what is worth a log line.
func clip(b []byte) []byte { return b[:min(len(b), 64)] }

// Append adds m to dst as this peer spells it, and returns the longer slice. It
// does not allocate beyond dst's growth. Text that is not UTF-8 is made so. What
// a generation has no field for is left out. Raw values are sent as they are:
// whoever made one himself checks it with [Limits.Check].
//
// The error is [ErrLimit] for a frame that the limits would refuse on arrival,
// or [ErrUnknownType] for nil; dst is returned as it was. A learner has no such
// limit: what a server passes on was within its limits when it came, which may
// have been others.
func (d *Dialect) Append(dst []byte, m Message) ([]byte, error) {
	if m == nil {
		return dst, fmt.Errorf("wire: %w: nil", ErrUnknownType)
	}
	before7, s := m.spellings()
	if d.gen <= G6 {
		s = before7
	}
	b := s.append(d, dst, m)
	if size := len(b) - len(dst); size > d.lim.Frame && !d.learns {
		return dst, fmt.Errorf("wire: %T: %w: a frame of %d bytes", m, ErrLimit, size)
	}
	return b, nil
}
