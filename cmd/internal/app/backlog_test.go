package app

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// logged is a backlog with whoever reads it.
type logged struct {
	*backlog
	r *io.PipeReader
	w *io.PipeWriter
}

func newLogged() logged {
	r, w := io.Pipe()
	return logged{newBacklog(w, func(n int64) { fmt.Fprintf(w, "lost %d\n", n) }), r, w}
}

// say writes numbered lines to the log.
func (l logged) say(lines int) {
	for n := range lines {
		fmt.Fprintf(l, "%d\n", n)
	}
}

// read reads all there is from now on, with a pause after each line.
func (l logged) read(pause time.Duration) <-chan []string {
	all := make(chan []string, 1)
	go func() {
		var lines []string
		for s := bufio.NewScanner(l.r); s.Scan(); time.Sleep(pause) {
			lines = append(lines, s.Text())
		}
		all <- lines
	}()
	return all
}

// numbered are the lines that say writes.
func numbered(lines int) (all []string) {
	for n := range lines {
		all = append(all, fmt.Sprint(n))
	}
	return all
}

// A log that nobody reads is waited for once, and holds up nothing after that. Who
// reads on later is told how much is missing.
func TestLogThatIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, began := newLogged(), time.Now()
		fmt.Fprintln(l, "first")
		synctest.Wait() // it is being written
		l.say(maxBacklog + 5)
		if took := time.Since(began); took != maxWait {
			t.Errorf("waited %v, want %v", took, maxWait)
		}
		all := l.read(0)
		synctest.Wait()
		fmt.Fprintln(l, "last")
		l.close()
		l.w.Close()
		want := slices.Concat([]string{"first", "lost 5"}, numbered(maxBacklog), []string{"last"})
		if got := <-all; !slices.Equal(got, want) {
			t.Errorf("%d lines: %q, want %d", len(got), got, len(want))
		}
	})
}

// Nor does it hold up the end of the program for long.
func TestEndOfLogThatIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, began := newLogged(), time.Now()
		l.say(2)
		l.close()
		if took := time.Since(began); took != lastWords {
			t.Errorf("took %v, want %v", took, lastWords)
		}
		l.r.Close()
	})
}

// Who reads a log slowly misses none of it.
func TestLogThatIsReadSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLogged()
		all := l.read(time.Millisecond)
		l.say(3 * maxBacklog)
		time.Sleep(2 * maxBacklog * time.Millisecond)
		l.close()
		l.w.Close()
		if got := <-all; !slices.Equal(got, numbered(3*maxBacklog)) {
			t.Errorf("%d lines: %q", len(got), got)
		}
	})
}
