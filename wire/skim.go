package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// Skim reads a message that goes over a limit and returns of it what it takes to
// answer: of a [ClientNewJob] its id and the "@state" of its inputs, of a
// [BackendNewJob] also its client, of an [AgentJobDone] its id and client. The
// other fields are zero. Fields may come in any order, of any generation, and
// what is not kept costs no memory, however long or deep it is.
//
// It reads r to its end. The error is [ErrUnknownType] for any other message,
// [ErrMsgpack], [ErrFields] or [ErrValue], or that of r.
func Skim(r io.Reader) (Message, error) {
	s := skimmer{r: bufio.NewReader(r)}
	err := s.message()
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return nil, fmt.Errorf("wire: long message: %w", err)
	}
	m, err := s.result()
	if err != nil {
		return nil, fmt.Errorf("wire: long message %q: %w", s.kind, err)
	}
	return m, nil
}

// MaxID is how many bytes an id may have for [Skim] to keep it. A job with a longer
// one could not be answered if its result goes over a limit.
const MaxID = 64 << 10

// What else is kept of a message: keys and types, and a state. Longer ones, and
// longer ids, count as not there.
const (
	skimName  = 64
	skimState = 1 << 20
)

// skimmer walks msgpack as it comes and keeps a few texts of it.
type skimmer struct {
	r      *bufio.Reader
	kind   string
	client []byte // up to 0.6, of agents and for them
	id     string
	hasID  bool
	state  string
}

// message reads the map that a message is.
func (s *skimmer) message() error {
	return s.entries(func(key string) (err error) {
		switch key {
		case "@type", "type":
			s.kind, _, err = s.text(KindText, skimName)
		case "job_id":
			err = s.jobID()
		case "inputdata":
			err = s.inputs()
		default:
			err = s.skip(1)
		}
		return err
	})
}

// end checks that nothing follows.
func (s *skimmer) end() error {
	switch _, err := s.r.Peek(1); {
	case err == nil:
		return errTrailing
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// result makes a message of what was kept.
func (s *skimmer) result() (Message, error) {
	var m Message
	inputs := func() Raw {
		b := msgp.AppendString(msgp.AppendMapHeader(nil, 1), "@state")
		return appendText(b, s.state)
	}
	switch s.kind {
	case "ClientNewJob", "client_new_job":
		m = &ClientNewJob{JobID: s.id, InputData: inputs()}
	case "BackendNewJob", "backend_new_job":
		m = &BackendNewJob{Client: s.client, JobID: s.id, InputData: inputs()}
	case "AgentJobDone", "agent_job_done":
		m = &AgentJobDone{Client: s.client, JobID: s.id}
	default:
		return nil, ErrUnknownType
	}
	if !s.hasID {
		return nil, fmt.Errorf("%w: no job id", ErrFields)
	}
	return m, nil
}

// jobID reads a text, or a client and a text.
func (s *skimmer) jobID() (err error) {
	s.client = nil // of a field that is there twice, the last one counts
	b, err := s.r.Peek(1)
	if err != nil {
		return cutShort(err)
	}
	if kinds[b[0]] == KindArray {
		_, n, err := s.head()
		if err != nil {
			return err
		}
		if n != 2 {
			return fmt.Errorf("%w: a job id of %d", ErrValue, n)
		}
		client, _, err := s.text(KindBytes, MaxID)
		if err != nil {
			return err
		}
		s.client = []byte(client)
	}
	s.id, s.hasID, err = s.text(KindText, MaxID)
	if err == nil && !utf8.ValidString(s.id) {
		err = errUTF8
	}
	return err
}

func (s *skimmer) inputs() error {
	s.state = ""
	b, err := s.r.Peek(1)
	if err != nil {
		return cutShort(err)
	}
	if kinds[b[0]] != KindMap {
		return s.skip(1)
	}
	return s.entries(func(key string) (err error) {
		if key != "@state" {
			return s.skip(1)
		}
		s.state, _, err = s.text(KindText, skimState)
		return err
	})
}

// entries reads a map and calls value for each key, "" for one that is no text or
// is long, to read what is under it.
func (s *skimmer) entries(value func(key string) error) error {
	kind, n, err := s.head()
	if err == nil && kind != KindMap {
		err = fmt.Errorf("%w: want map, got %s", ErrValue, kind)
	}
	for ; err == nil && n > 0; n-- {
		var key string
		if key, _, err = s.text(KindText, skimName); err == nil {
			err = value(key)
		}
	}
	return err
}

// text reads one value, which it returns if it is of that kind, text or bytes,
// and not longer than most.
func (s *skimmer) text(want Kind, most uint64) (text string, ok bool, err error) {
	kind, n, err := s.head()
	if err != nil {
		return "", false, err
	}
	if kind != want || n > most {
		return "", false, s.rest(kind, n)
	}
	b := make([]byte, n)
	_, err = io.ReadFull(s.r, b)
	return string(b), true, cutShort(err)
}

// skip reads n values, and what is inside them.
func (s *skimmer) skip(n uint64) error {
	for ; n > 0; n-- {
		kind, size, err := s.head()
		if err != nil {
			return err
		}
		switch kind {
		case KindArray:
			n += size
		case KindMap:
			n += 2 * size
		default:
			if err := s.discard(size); err != nil {
				return err
			}
		}
	}
	return nil
}

// rest skips what follows a head.
func (s *skimmer) rest(kind Kind, n uint64) error {
	switch kind {
	case KindArray:
		return s.skip(n)
	case KindMap:
		return s.skip(2 * n)
	default:
		return s.discard(n)
	}
}

func (s *skimmer) discard(n uint64) error {
	_, err := io.CopyN(io.Discard, s.r, int64(n))
	return cutShort(err)
}

// head reads the beginning of a value. n is how many entries an array or a map
// has, and how many bytes follow for any other kind.
func (s *skimmer) head() (kind Kind, n uint64, err error) {
	c, err := s.r.ReadByte()
	if err != nil {
		return 0, 0, cutShort(err)
	}
	kind = kinds[c]
	width := 0
	switch {
	case kind == KindOther:
		return 0, 0, errCode
	case kind == KindFloat:
		return kind, 4 << (c & 1), nil
	case kind == KindNil, kind == KindBool, c <= 0x7f, c >= 0xe0:
		return kind, 0, nil
	case kind == KindInt:
		return kind, 1 << (c & 3), nil
	case c <= 0x9f:
		return kind, uint64(c & 0x0f), nil
	case c <= 0xbf:
		return kind, uint64(c & 0x1f), nil
	case kind == KindArray, kind == KindMap:
		width = 2 << (c & 1)
	default:
		width = lengthWidth(c)
	}
	b, err := s.r.Peek(width)
	if err != nil {
		return 0, 0, cutShort(err)
	}
	var wide [4]byte
	copy(wide[4-width:], b)
	_, err = s.r.Discard(width)
	return kind, uint64(binary.BigEndian.Uint32(wide[:])), err
}

// cutShort turns the end of the bytes into an error of msgpack.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrShort
	}
	return err
}
