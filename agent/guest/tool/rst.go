package tool

import (
	"fmt"
	"io"
	"os"

	"github.com/ingot-grading/ingot/agent/guest/argparse"
	"github.com/ingot-grading/ingot/agent/guest/pytext"
	"github.com/ingot-grading/ingot/agent/guest/rst"
)

// print writes text and one newline.
func (e *Env) print(text string) error {
	_, err := io.WriteString(e.Stdout, text+"\n")
	return err
}

// RstCode is rst-code (TOOLKIT.md 6).
func RstCode(e *Env) error {
	p := argparse.New(e.Prog)
	language := p.String("-l", "--language", "")
	escape := p.Flag("-e", "--escape")
	code := p.String("-c", "--code", "")
	text, err := e.parseText(p, code, escape)
	if err != nil {
		return err
	}
	return e.print(rst.Code(*language, text))
}

// RstMsgblock is rst-msgblock (TOOLKIT.md 6).
func RstMsgblock(e *Env) error {
	p := argparse.New(e.Prog)
	class := p.String("-c", "--class", "")
	title := p.String("-t", "--title", "")
	escape := p.Flag("-e", "--escape")
	message := p.String("-m", "--message", "")
	text, err := e.parseText(p, message, escape)
	if err != nil {
		return err
	}
	return e.print(rst.Box(*class, *title, text))
}

// RstImage is rst-image (TOOLKIT.md 6).
func RstImage(e *Env) error {
	p := argparse.New(e.Prog)
	format := p.String("-f", "--format", "")
	file := p.Positional("filepath")
	if err := e.Parse(p); err != nil {
		return err
	}
	content, err := os.ReadFile(e.Path(*file))
	if err != nil {
		return fmt.Errorf("read the image: %w", err)
	}
	if *format == "" {
		*format = pytext.Ext(*file)
	}
	return e.print(rst.Image(*format, content))
}

// maxIndent keeps a mistyped amount from filling the memory.
const maxIndent = 1 << 16

// RstIndent is rst-indent (TOOLKIT.md 6).
func RstIndent(e *Env) error {
	p := argparse.New(e.Prog)
	escape := p.Flag("-e", "--escape")
	unit := p.String("-c", "--indent-char", "\t")
	amount := p.Int("-a", "--amount", 1)
	message := p.String("-m", "--message", "")
	text, err := e.parseText(p, message, escape)
	if err != nil {
		return err
	}
	if *amount > maxIndent {
		return fmt.Errorf("an amount over %d", maxIndent)
	}
	return e.print(rst.Indent(text, *unit, *amount))
}
