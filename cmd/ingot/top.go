package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
)

// topCmd shows what a backend does, as it does it.
type topCmd struct {
	Page    string        `short:"p" default:"127.0.0.1:2080" env:"INGOT_PAGE" help:"Address of the backend's status page, its --http (${default})."`
	Every   time.Duration `default:"1s" help:"How often to look (${default})."`
	Once    bool          `help:"Print what there is and end, as is done where the output is no terminal."`
	NoColor bool          `help:"Do without colours. The environment variable NO_COLOR does the same."`
}

// Run shows agents and jobs until somebody presses q or Ctrl-C.
func (c *topCmd) Run(ctx context.Context) error {
	if c.Every < 100*time.Millisecond {
		return fmt.Errorf("--every %v: a tenth of a second is the least", c.Every)
	}
	src := newSource(c.Page)
	first, err := src.fetch(ctx)
	if err != nil {
		return err
	}
	plain := c.NoColor || os.Getenv("NO_COLOR") != ""
	if c.Once || !isatty.IsTerminal(os.Stdout.Fd()) {
		_, err := io.WriteString(os.Stdout, strings.Join(draw(first, view{plain: true}), "\n")+"\n")
		return err
	}
	scr, err := openScreen(os.Stdin, os.Stdout)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(errQuit)
	err = watch(ctx, scr, src.poll(ctx, c.Every), first, plain)
	return errors.Join(err, scr.close())
}

// errQuit ends the looking.
var errQuit = errors.New("asked to quit")

// terminal is what watch needs of a screen.
type terminal interface {
	io.Writer
	size() (width, height int)
	keys() <-chan byte
	resized() <-chan os.Signal
}

// watch draws now, each of updates and what comes of a new size, until ctx ends
// or a key says so.
func watch(ctx context.Context, scr terminal, updates <-chan *snapshot, now *snapshot, plain bool) error {
	keys := scr.keys()
	for {
		v := view{plain: plain}
		v.width, v.height = scr.size()
		if err := paint(scr, draw(now, v)); err != nil {
			return fmt.Errorf("draw: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case key, ok := <-keys:
			if !ok {
				keys = nil // nobody is at the keyboard
			} else if strings.IndexByte("qQ\x03", key) >= 0 {
				return nil
			}
		case <-scr.resized():
		case now = <-updates:
		}
	}
}

// paint puts lines on the screen in one write, over what is there, so that
// nothing flickers.
func paint(w io.Writer, lines []string) error {
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, line := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line + "\x1b[K") // to the end of the line
	}
	b.WriteString("\x1b[J") // and below
	_, err := io.WriteString(w, b.String())
	return err
}
