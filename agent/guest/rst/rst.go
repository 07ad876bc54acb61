package rst

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

// Code is a block of program text. The language is a name of Pygments, or empty.
func Code(language, text string) string {
	return "\n\n.. code-block:: " + oneLine(language) + "\n\n" + Indent(text, "\t", 1) + "\n"
}

// Box is an admonition in the style of class, one of info, danger, warning and
// success; any other is info. Without a title it is a note.
func Box(class, title, text string) string {
	head := ".. note:: "
	if title != "" {
		head = ".. admonition:: " + oneLine(title)
	}
	if !slices.Contains([]string{"info", "danger", "warning", "success"}, class) {
		class = "info"
	}
	return "\n\n" + head + "\n\t:class: alert alert-" + class + "\n\n" + Indent(text, "\t", 1) + "\n"
}

// Image is an image shown inline. The format is the end of a MIME type, such as
// png; svg means svg+xml.
func Image(format string, content []byte) string {
	if format == "svg" {
		format = "svg+xml"
	}
	return "\n\n.. raw:: html\n\n\t<img src=\"data:image/" + oneLine(format) + ";base64," +
		base64.StdEncoding.EncodeToString(content) + "\">\n"
}

// Indent puts unit n times before each line of text, or takes it off up to -n
// times. Each line of the result ends with a newline.
func Indent(text, unit string, n int64) string {
	prefix := ""
	if n > 0 {
		prefix = strings.Repeat(unit, int(n))
	}
	var out strings.Builder
	for _, line := range pytext.Lines(text) {
		for left := n; left < 0 && unit != "" && strings.HasPrefix(line, unit); left++ {
			line = line[len(unit):]
		}
		out.WriteString(prefix + line + "\n")
	}
	return out.String()
}

// oneLine keeps a word that the caller chose from ending the line it stands in.
func oneLine(s string) string { return strings.Join(pytext.Lines(s), " ") }
