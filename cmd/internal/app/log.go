package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
)

// handler returns where logs go, in the given format of [Flags].
func handler(w io.Writer, format string, verbose bool) slog.Handler {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	if format == "auto" {
		format = guess(w)
	}
	switch format {
	case "text":
		return tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: !terminal(w), ReplaceAttr: bounded})
	case "journal":
		return newJournal(w, level)
	default:
		return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: bounded})
	}
}

// maxLogged is how many bytes of a value are logged. Peers and graders make some
// of them up, and may send as much as a message has room for.
const maxLogged = 16 << 10

// bounded cuts what is too long.
func bounded(_ []string, a slog.Attr) slog.Attr {
	text := ""
	switch a.Value.Kind() {
	case slog.KindString:
		text = a.Value.String()
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			text = err.Error()
		}
	}
	if len(text) > maxLogged {
		a.Value = slog.StringValue(fmt.Sprintf("%s… (%d bytes)", text[:maxLogged], len(text)))
	}
	return a
}

// guess returns the format that suits w.
func guess(w io.Writer) string {
	switch {
	case terminal(w):
		return "text"
	case journalled(w):
		return "journal"
	default:
		return "json"
	}
}

// file returns the file that what is written to w ends in.
func file(w io.Writer) (*os.File, bool) {
	if b, ok := w.(*backlog); ok {
		w = b.to
	}
	f, ok := w.(*os.File)
	return f, ok
}

func terminal(w io.Writer) bool {
	f, ok := file(w)
	return ok && isatty.IsTerminal(f.Fd())
}

// journalled reports whether w is the stream that systemd connected to its
// journal, as systemd.exec(5) says to find out.
func journalled(w io.Writer) bool {
	f, ok := file(w)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// journal writes lines the way systemd's journal likes them: the priority in
// front (sd-daemon(3)), and no time, which the journal has anyway.
type journal struct {
	level slog.Level
	by    [4]slog.Handler // debug, info, warning, error
}

func newJournal(w io.Writer, level slog.Level) *journal {
	j := &journal{level: level}
	for i, prefix := range []string{"<7>", "<6>", "<4>", "<3>"} {
		j.by[i] = slog.NewTextHandler(prefixed{prefix, w}, &slog.HandlerOptions{
			Level: level,
			ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
				if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
					return slog.Attr{}
				}
				return bounded(groups, a)
			},
		})
	}
	return j
}

// Enabled implements [slog.Handler].
func (j *journal) Enabled(_ context.Context, l slog.Level) bool { return l >= j.level }

// Handle implements [slog.Handler].
func (j *journal) Handle(ctx context.Context, r slog.Record) error {
	i := 0
	for _, from := range []slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if r.Level >= from {
			i++
		}
	}
	return j.by[i].Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (j *journal) WithAttrs(attrs []slog.Attr) slog.Handler {
	return j.each(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements [slog.Handler].
func (j *journal) WithGroup(name string) slog.Handler {
	return j.each(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (j *journal) each(f func(slog.Handler) slog.Handler) *journal {
	k := &journal{level: j.level}
	for i, h := range j.by {
		k.by[i] = f(h)
	}
	return k
}

// prefixed puts a text before every write. A line is one write, so that lines
// of several handlers on one stream do not mix.
type prefixed struct {
	prefix string
	w      io.Writer
}

// Write implements [io.Writer].
func (p prefixed) Write(line []byte) (int, error) {
	if _, err := p.w.Write(append([]byte(p.prefix), line...)); err != nil {
		return 0, err
	}
	return len(line), nil
}
