package zmtp

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// readAll returns the payloads and PING contexts of a stream, and how it ended.
func readAll(r io.Reader, cfg Config) (payloads, pings []string, err error) {
	cfg, err = cfg.normal()
	if err != nil {
		return nil, nil, err
	}
	m := newMessages(r, &cfg, nil, func(_ time.Duration, context []byte) { pings = append(pings, string(context)) })
	for {
		ev, err := m.next()
		if err != nil {
			return payloads, pings, err
		}
		if job, ok := ev.Excess.(*wire.ClientNewJob); ok {
			ev.Frame = []byte("long " + job.JobID)
		}
		payloads = append(payloads, string(ev.Frame))
	}
}

// longJob is a ClientNewJob of 30 bytes, as far as an answer to it goes.
const longJob = "\x82\xa6job_id\xa2j1\xa5@type\xacClientNewJob"

func TestMessagesOfFrames(t *testing.T) {
	long := strings.Repeat("x", 300)
	tests := []struct {
		name  string
		in    string
		cfg   Config
		want  []string
		pings []string
		err   error
	}{
		{name: "nothing", err: io.EOF},
		{name: "short", in: message("a") + message(""), want: []string{"a", ""}, err: io.EOF},
		{name: "long", in: message(long), want: []string{long}, err: io.EOF},
		{name: "long form of a short one", in: "\x02\x00\x00\x00\x00\x00\x00\x00\x01a", want: []string{"a"}, err: io.EOF},
		{name: "the first frame counts", in: "\x01\x01a\x01\x01b\x00\x01c" + message("d"), want: []string{"a", "d"}, err: io.EOF},
		{name: "a delimiter is an empty payload", in: "\x01\x00\x00\x01a", want: []string{""}, err: io.EOF},
		{name: "a delimiter is taken off", in: "\x01\x00\x00\x01a", cfg: Config{Delimiter: true}, want: []string{"a"}, err: io.EOF},
		{name: "a delimiter may be missing", in: message("a") + message(""), cfg: Config{Delimiter: true}, want: []string{"a", ""}, err: io.EOF},
		{name: "only one delimiter is taken off", in: "\x01\x00\x01\x00\x00\x01a", cfg: Config{Delimiter: true}, want: []string{""}, err: io.EOF},
		{name: "PING", in: command("\x04PING\x00\x00") + message("a") + command("\x04PING\x00\x01context"),
			want: []string{"a"}, pings: []string{"", "context"}, err: io.EOF},
		{name: "PING between frames", in: "\x01\x01a" + command("\x04PING\x00\x00!") + "\x00\x01b", want: []string{"a"}, pings: []string{"!"}, err: io.EOF},
		{name: "longest context", in: command("\x04PING\x00\x00" + long[:16]), pings: []string{long[:16]}, err: io.EOF},
		{name: "other commands", in: command("\x04PONG") + command("\x09SUBSCRIBEx") + command("") + command(long) + message("a"), want: []string{"a"}, err: io.EOF},
		{name: "cut PING", in: command("\x04PING\x00"), err: ErrProtocol},
		{name: "large command", in: command(strings.Repeat("x", maxCommandIn+1)), err: ErrTooLarge},
		{name: "command with more", in: "\x05\x00", err: ErrProtocol},
		{name: "reserved flags", in: "\x08\x00", err: ErrProtocol},
		{name: "cut header", in: "\x00", err: io.ErrUnexpectedEOF},
		{name: "cut long header", in: "\x02\x00\x00", err: io.ErrUnexpectedEOF},
		{name: "cut body", in: "\x00\x05abc", err: io.ErrUnexpectedEOF},
		{name: "cut between frames", in: "\x01\x01a", err: io.ErrUnexpectedEOF},
		{name: "cut in a frame that is skipped", in: "\x01\x01a\x00\x05b", err: io.ErrUnexpectedEOF},
		{name: "cut command", in: "\x04\x05\x04P", err: io.ErrUnexpectedEOF},
		{name: "message at the limit", in: message("12345678"), cfg: Config{MaxMessage: 8}, want: []string{"12345678"}, err: io.EOF},
		{name: "message over the limit", in: message("123456789"), cfg: Config{MaxMessage: 8}, err: ErrTooLarge},
		{name: "job over the limit, and one behind it", in: message(longJob) + message("x"), cfg: Config{MaxMessage: 20}, want: []string{"long j1", "x"}, err: io.EOF},
		{name: "job over the limit in frames", in: "\x01\x01x\x00" + message(longJob)[1:], cfg: Config{MaxMessage: 20}, err: ErrTooLarge},
		{name: "job over the limit and a frame", in: "\x01" + message(longJob)[1:] + message("x"), cfg: Config{MaxMessage: 20}, err: ErrTooLarge},
		{name: "frames over the limit together", in: "\x01\x05abcde\x00\x04fghi", cfg: Config{MaxMessage: 8}, err: ErrTooLarge},
		{name: "parts at the limit", in: "\x01\x00\x00\x00", cfg: Config{MaxParts: 2}, want: []string{""}, err: io.EOF},
		{name: "parts over the limit", in: "\x01\x00\x01\x00\x00\x00", cfg: Config{MaxParts: 2}, err: ErrTooLarge},
		{name: "2^62", in: "\x02\x40\x00\x00\x00\x00\x00\x00\x00", err: ErrTooLarge},
		{name: "2^64-1", in: "\x02\xff\xff\xff\xff\xff\xff\xff\xff", err: ErrTooLarge},
		{name: "2^63-1 after a part", in: "\x01\x01a\x02\x7f\xff\xff\xff\xff\xff\xff\xff", err: ErrTooLarge},
		{name: "64 GiB", in: "\x02\x00\x00\x00\x10\x00\x00\x00\x00", err: ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
				got, pings, err := readAll(r, tt.cfg)
				if !errors.Is(err, tt.err) || strings.Join(got, "|") != strings.Join(tt.want, "|") || len(got) != len(tt.want) ||
					strings.Join(pings, "|") != strings.Join(tt.pings, "|") {
					t.Errorf("got %.40q, pings %q, %v; want %.40q, %q, %v", got, pings, err, tt.want, tt.pings, tt.err)
				}
			}
		})
	}
}

// allocated runs f and returns the bytes it allocated.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A length that is announced and not sent costs the first piece only.
func TestAnnouncedLengthCostsNothing(t *testing.T) {
	in := "\x02\x00\x00\x00\x00\x10\x00\x00\x00" + strings.Repeat("x", 100) // 256 MiB
	var err error
	n := allocated(func() { _, _, err = readAll(strings.NewReader(in), Config{}) })
	if !errors.Is(err, io.ErrUnexpectedEOF) || n > 2*firstAlloc {
		t.Errorf("%d bytes allocated, %v; want at most %d and an unexpected EOF", n, err, 2*firstAlloc)
	}
}

// endless repeats its text for ever.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = e.text[e.at]
		e.at = (e.at + 1) % len(e.text)
	}
	return len(b), nil
}

func TestEndlessPartsEnd(t *testing.T) {
	var err error
	n := allocated(func() { _, _, err = readAll(&endless{text: "\x01\x00"}, Config{}) })
	if !errors.Is(err, ErrTooLarge) || n > 1<<20 {
		t.Errorf("%d bytes allocated, %v; want at most 1 MiB and ErrTooLarge", n, err)
	}
}

type countingReader struct {
	r     io.Reader
	reads int
}

func (c *countingReader) Read(b []byte) (int, error) {
	c.reads++
	return c.r.Read(b)
}

// A system call must bring many small messages, and memory must be asked for
// once for each.
func TestReadsAreBuffered(t *testing.T) {
	const count = 1000
	in := &countingReader{r: strings.NewReader(strings.Repeat(message(strings.Repeat("x", 50)), count))}
	got, _, err := readAll(in, Config{})
	if len(got) != count || !errors.Is(err, io.EOF) || in.reads > 5 {
		t.Errorf("%d messages in %d reads, %v; want %d in at most 5", len(got), in.reads, err, count)
	}
	cfg, err := Config{}.normal()
	if err != nil {
		t.Fatal(err)
	}
	m := newMessages(&endless{text: message(strings.Repeat("x", 300))}, &cfg, nil, nil)
	if n := testing.AllocsPerRun(100, func() { m.next() }); n != 1 { //nolint:errcheck // it cannot end
		t.Errorf("%v allocations for a message, want 1", n)
	}
}

// A large frame goes straight into its memory: as many reads as it takes, and at
// most one byte in eight copied again.
func TestLargeBodyGrows(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 20<<20/16)
	in := strings.NewReader(message(body))
	var got []string
	var err error
	n := allocated(func() { got, _, err = readAll(in, Config{}) })
	if len(got) != 1 || got[0] != body || !errors.Is(err, io.EOF) {
		t.Fatalf("%d messages, %v", len(got), err)
	}
	// The body itself, its earlier sizes, and the copy that this test makes.
	if limit := uint64(len(body)) * 5 / 2; n > limit {
		t.Errorf("%d bytes allocated for a frame of %d, want at most %d", n, len(body), limit)
	}
}

func FuzzMessages(f *testing.F) {
	for _, s := range []string{
		message("a") + message(""), "\x01\x01a\x01\x01b\x00\x01c", "\x01\x00\x00\x01a",
		command("\x04PING\x00\x05context") + message("x"), "\x02\x40\x00\x00\x00\x00\x00\x00\x00",
		"\x02\x00\x00\x00\x00\x00\x00\x00\x01a", "\x05\x00", "\x00\x05abc",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, delimiter bool) {
		cfg := Config{MaxMessage: 4096, MaxParts: 4, Delimiter: delimiter}
		got, pings, err := readAll(bytes.NewReader(in), cfg)
		if err == nil {
			t.Fatal("a stream without end")
		}
		size := 0
		var again bytes.Buffer
		for _, s := range got {
			size += len(s)
			if delimiter {
				again.WriteString("\x01\x00")
			}
			again.WriteString(message(s))
		}
		for _, s := range pings {
			size += len(s)
		}
		if size > len(in) {
			t.Fatalf("%d bytes out of %d", size, len(in))
		}
		// However the bytes come in, they mean the same.
		slow, slowPings, slowErr := readAll(iotest.HalfReader(bytes.NewReader(in)), cfg)
		if strings.Join(slow, "|") != strings.Join(got, "|") || strings.Join(slowPings, "|") != strings.Join(pings, "|") || slowErr.Error() != err.Error() {
			t.Fatalf("in pieces %q, %v; at once %q, %v", slow, slowErr, got, err)
		}
		// What was read, written again, reads the same.
		back, _, _ := readAll(&again, cfg)
		if strings.Join(back, "|") != strings.Join(got, "|") {
			t.Fatalf("written again %q, first %q", back, got)
		}
	})
}
