package template

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/ingot-grading/ingot/agent/guest/argparse"
	"github.com/ingot-grading/ingot/agent/guest/pytext"
	"github.com/ingot-grading/ingot/agent/guest/tool"
)

// Command is the name under which scripts call this.
const Command = "feedback-msg-tpl"

const missing = `
.. error::

    Unable to find template named %s. Please contact your administrator.
    

    `

// failed frames an error as a block of reStructuredText. Its odd indentation is
// that of the original.
const failed = "\n.. error::\n   \n   An error occured while parsing the feedback template. Here is the full error:\n" +
	"   \n   ::\n   \n%s\n\tPlease contact your administrator.\n"

// Run is feedback-msg-tpl (TOOLKIT.md 5.2). A template that is missing or wrong
// becomes the feedback itself: that is no error of the command.
func Run(e *tool.Env) error {
	p := argparse.New(e.Prog)
	add := p.Flag("-a", "--append")
	id := p.String("-i", "--id", "")
	name := p.Positional("template")
	options := p.Rest("name=value")
	if err := e.Parse(p); err != nil {
		return err
	}
	values := make(map[string]any)
	for _, o := range *options {
		k, v, ok := strings.Cut(o, "=")
		if !ok {
			return &argparse.UsageError{Text: fmt.Sprintf("not of the form name=value: %q", o)}
		}
		values[k] = v
	}
	in, err := e.Input()
	if err != nil {
		fmt.Fprintf(e.Stderr, "%s: warning: no language: %v\n", e.Prog, err)
	}
	lang, known := language(in)
	var messages catalogue
	if known {
		if messages, err = loadCatalogue(e.Root, catalogueLanguages(lang)); err != nil {
			fmt.Fprintf(e.Stderr, "%s: warning: %v\n", e.Prog, err)
		}
	}
	values["_"] = messages.translate
	return e.Feedback().SetText(text(e, *name, lang, values), *id, *add)
}

// text renders the template of that name, or says why it cannot.
func text(e *tool.Env, name, lang string, values map[string]any) string {
	path, ok := find(e, name, lang)
	if !ok {
		return fmt.Sprintf(missing, name)
	}
	source, err := os.ReadFile(path)
	var out string
	if err == nil && !utf8.Valid(source) {
		err = fmt.Errorf("the template is not UTF-8")
	}
	if err == nil {
		out, err = render(string(source), values)
	}
	if err != nil {
		var lines strings.Builder
		for _, l := range pytext.Lines(err.Error()) {
			lines.WriteString("\t\t" + l + "\n")
		}
		return fmt.Sprintf(failed, lines.String()+"\t\t")
	}
	return out
}

// find looks for the template, first in the student's language.
func find(e *tool.Env, name, lang string) (string, bool) {
	local := filepath.Join("/", langDir, lang, name+".tpl")
	if filepath.IsAbs(name) {
		local = name + ".tpl"
	}
	for _, path := range []string{name + "." + lang + ".tpl", local, name + ".tpl"} {
		if _, err := os.Stat(e.Path(path)); err == nil {
			return e.Path(path), true
		}
	}
	return "", false
}
