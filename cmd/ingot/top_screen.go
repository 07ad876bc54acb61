package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// screen is a terminal that is ours until it is closed.
type screen struct {
	*os.File
	in    *os.File
	saved *term.State // of the keyboard, nil if there is none
	winch chan os.Signal
}

// openScreen takes the terminal: another page, no cursor, no wrapping, keys one
// by one.
func openScreen(in, out *os.File) (*screen, error) {
	s := &screen{File: out, in: in, winch: make(chan os.Signal, 1)}
	if term.IsTerminal(int(in.Fd())) {
		var err error
		if s.saved, err = term.MakeRaw(int(in.Fd())); err != nil {
			return nil, fmt.Errorf("read single keys: %w", err)
		}
	}
	signal.Notify(s.winch, unix.SIGWINCH)
	if _, err := out.WriteString("\x1b[?1049h\x1b[?25l\x1b[?7l"); err != nil {
		return nil, errors.Join(fmt.Errorf("take the screen: %w", err), s.close())
	}
	return s, nil
}

// close gives the terminal back as it was.
func (s *screen) close() error {
	signal.Stop(s.winch)
	_, err := s.WriteString("\x1b[?7h\x1b[?25h\x1b[?1049l")
	if s.saved != nil {
		err = errors.Join(err, term.Restore(int(s.in.Fd()), s.saved))
	}
	if err != nil {
		return fmt.Errorf("give the screen back: %w", err)
	}
	return nil
}

// size is that of the terminal now; one that does not tell has the usual one.
func (s *screen) size() (width, height int) {
	width, height, err := term.GetSize(int(s.Fd()))
	if err != nil || width < 1 || height < 1 {
		return 80, 24
	}
	return width, height
}

// keys gives what is typed until there is no more. The goroutine behind it waits
// for a key as long as the process lives.
func (s *screen) keys() <-chan byte {
	keys := make(chan byte)
	go func() {
		defer close(keys)
		var key [1]byte
		for {
			if n, err := s.in.Read(key[:]); err != nil || n == 0 {
				return
			}
			keys <- key[0]
		}
	}()
	return keys
}

// resized tells that size gives another answer.
func (s *screen) resized() <-chan os.Signal { return s.winch }
