package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/wire"
)

const (
	longText = 200 // bytes of a text that are shown
	lineRoom = 100 // columns up to which a value stays on one line
)

// shown bounds what is looked into. People may look at all of a message.
var shown = wire.Limits{Items: math.MaxInt32}

// printer writes messages for people.
type printer struct {
	out  io.Writer
	most int // bytes of a text; 0 for all
}

// recording writes what data consists of. The error is the first that it wrote.
func (p printer) recording(data []byte) error {
	var first error
	for part, err := range pieces(data) {
		switch {
		case err != nil:
			p.bytes(part.data, err)
		case part.command:
			fmt.Fprintf(p.out, "ZeroMQ %q, %d bytes\n", commandName(part.data), len(part.data))
		case len(part.data) > 0: // else it is the delimiter of a REQ socket
			err = p.message(part.data)
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// bytes writes the start of what cannot be written otherwise, and why.
func (p printer) bytes(b []byte, err error) {
	fmt.Fprintf(p.out, "%d bytes: %v\n  % x\n", len(b), err, b[:min(len(b), 32)])
}

// commandName returns the name that a command starts with, after its length.
func commandName(command []byte) []byte {
	if len(command) == 0 {
		return nil
	}
	return command[1:min(len(command), 1+int(command[0]))]
}

// message writes one message. The error, which is written too, says why it is
// none of the protocol's.
func (p printer) message(frame []byte) error {
	if err := shown.Check(frame); err != nil {
		p.bytes(frame, err)
		return err
	}
	d := wire.NewLearner(wire.Limits{})
	_, err := d.Decode(frame)
	if err != nil {
		fmt.Fprintf(p.out, "%s, %d bytes: %v\n", kindOf(frame), len(frame), err)
	} else {
		all := d.Candidates()
		versions := all[0].String()
		if last := all[len(all)-1]; last != all[0] {
			versions += " to " + last.String()
		}
		fmt.Fprintf(p.out, "%s, %d bytes, %s\n", kindOf(frame), len(frame), versions)
	}
	if wire.Raw(frame).Kind() != wire.KindMap {
		fmt.Fprintf(p.out, "  %s\n", p.value(frame, 2))
		return err
	}
	p.fields(frame)
	return err
}

// kindOf is the type that a message claims to be of.
func kindOf(frame wire.Raw) string {
	for _, key := range []string{"@type", "type"} {
		if v, ok := wire.Lookup(frame, key); ok {
			if name, ok := v.Text(); ok {
				return strings.Trim(strconv.Quote(name), `"`)
			}
		}
	}
	return "no message"
}

// fields writes the fields of a message in lines of their own.
func (p printer) fields(frame wire.Raw) {
	width := 0
	each := func(f func(name string, v wire.Raw)) {
		_ = shown.Walk(frame, func(k, v wire.Raw) error { // was checked
			name, ok := k.Text()
			if !ok {
				name = p.value(k, 0)
			}
			if name != "@type" && name != "type" {
				f(name, v)
			}
			return nil
		})
	}
	each(func(name string, _ wire.Raw) { width = max(width, len(name)) })
	width = min(width, 24)
	each(func(name string, v wire.Raw) {
		fmt.Fprintf(p.out, "  %-*s  %s\n", width, p.cut(strings.Trim(strconv.Quote(name), `"`)), p.field(name, v, width+4))
	})
}

// field is a value that has a name. Passwords are not for screens.
func (p printer) field(name string, v wire.Raw, indent int) string {
	if strings.Contains(name, "password") && v.Kind() != wire.KindNil {
		return "(not shown)"
	}
	return p.value(v, indent)
}

// value writes a value as Python would, over several lines below each other if
// it is long, each indented.
func (p printer) value(v wire.Raw, indent int) string {
	var parts []string
	open, end := "{", "}"
	switch v.Kind() {
	case wire.KindMap:
		_ = shown.Walk(v, func(k, e wire.Raw) error { // was checked
			name, _ := k.Text()
			parts = append(parts, p.value(k, indent+2)+": "+p.field(name, e, indent+2))
			return nil
		})
	case wire.KindArray:
		open, end = "[", "]"
		_ = shown.List(v, func(e wire.Raw) error { // was checked
			parts = append(parts, p.value(e, indent+2))
			return nil
		})
	default:
		return p.scalar(v)
	}
	length := indent
	for _, s := range parts {
		length += len(s) + 2
	}
	if length <= lineRoom {
		return open + strings.Join(parts, ", ") + end
	}
	newLine := "\n" + strings.Repeat(" ", indent)
	return open + newLine + "  " + strings.Join(parts, ","+newLine+"  ") + newLine + end
}

// scalar writes a value without others inside.
func (p printer) scalar(v wire.Raw) string {
	switch v.Kind() {
	case wire.KindNil:
		return "nil"
	case wire.KindBool:
		on, _ := v.Bool()
		return strconv.FormatBool(on)
	case wire.KindInt:
		if n, ok := v.Int(); ok {
			return strconv.FormatInt(n, 10)
		}
		n, _, _ := msgp.ReadUint64Bytes(v) // was checked
		return strconv.FormatUint(n, 10)
	case wire.KindFloat:
		f, _ := v.Float()
		s := strconv.FormatFloat(f, 'g', -1, 64)
		if strings.Trim(s, "-0123456789") == "" {
			s += ".0" // tells it from an int
		}
		return s
	case wire.KindBytes:
		b, _ := v.Bytes()
		return "b" + p.quote(b)
	default:
		b, _ := v.Bytes()
		return p.quote(b)
	}
}

// quote writes a text in quotes, so that nothing in it moves the cursor.
func (p printer) quote(b []byte) string {
	if p.most == 0 || len(b) <= p.most {
		return strconv.Quote(string(b))
	}
	end := p.most
	for end > 0 && !utf8.RuneStart(b[end]) {
		end--
	}
	return strconv.Quote(string(b[:end])) + fmt.Sprintf("… (%d bytes)", len(b))
}

// cut shortens a name.
func (p printer) cut(name string) string {
	if p.most == 0 || len(name) <= p.most {
		return name
	}
	return name[:p.most] + "…"
}
