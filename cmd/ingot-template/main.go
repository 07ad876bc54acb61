// Ingot-template is feedback-msg-tpl, which ingot-init calls. See package
// agent/guest/template.
package main

import (
	"os"
	"strings"

	"github.com/ingot-grading/ingot/agent/guest/template"
	"github.com/ingot-grading/ingot/agent/guest/tool"
)

func main() {
	e := &tool.Env{Prog: template.Command, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	for _, a := range os.Args[1:] {
		e.Args = append(e.Args, strings.ToValidUTF8(a, "\ufffd"))
	}
	os.Exit(e.Exit(template.Run(e)))
}
