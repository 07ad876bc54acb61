package guest

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ingot-grading/ingot/agent/guest/mainproc"
	"github.com/ingot-grading/ingot/agent/guest/sshd"
	"github.com/ingot-grading/ingot/agent/guest/student"
	"github.com/ingot-grading/ingot/agent/guest/tool"
)

// Self is the name under which the program is no command but takes one as its
// first argument.
const Self = "ingot-init"

// Process is what a program is given by the system.
type Process struct {
	Args                  []string // with the program's name first
	Stdin, Stdout, Stderr *os.File

	root, dir string // as in tool.Env: empty but in tests
}

// command runs one command to its exit code.
type command func(Process) int

// commands lists all commands by name.
func commands() map[string]command {
	return map[string]command{
		"INGInious":           mainProcess,
		"_run_student_intern": intern,
		"run_student":         small(runStudent),
		"ssh_student":         small(sshStudent),
		"archive":             small(tool.Archive),
		"feedback":            small(tool.Feedback),
		"feedback-custom":     small(tool.FeedbackCustom),
		"feedback-grade":      small(tool.FeedbackGrade),
		"feedback-msg":        small(tool.FeedbackMsg),
		"feedback-msg-tpl":    templateCommand,
		"inginious-ipython":   python,
		"feedback-result":     small(tool.FeedbackResult),
		"feedback-state":      small(tool.FeedbackState),
		"getinput":            small(tool.GetInput),
		"parsetemplate":       small(tool.ParseTemplate),
		"rst-code":            small(tool.RstCode),
		"rst-image":           small(tool.RstImage),
		"rst-indent":          small(tool.RstIndent),
		"rst-msgblock":        small(tool.RstMsgblock),
		"tag":                 small(tool.Tag),
		"tag-set":             small(tool.TagSet),
	}
}

func mainProcess(p Process) int { return mainproc.Run(p.Args[1:], p.Stdin, p.Stdout, p.Stderr) }

func intern(p Process) int {
	return student.Intern(p.Args[1:], p.Stdin, p.Stdout, slog.New(slog.NewTextHandler(p.Stderr, nil)))
}

// small is a command of package tool as a process.
func small(c tool.Command) command {
	return func(p Process) int {
		e := &tool.Env{
			Prog: filepath.Base(p.Args[0]), Stdin: p.Stdin, Stdout: p.Stdout, Stderr: p.Stderr, Root: p.root, Dir: p.dir,
		}
		for _, a := range p.Args[1:] {
			e.Args = append(e.Args, strings.ToValidUTF8(a, "\ufffd"))
		}
		return e.Exit(c(e))
	}
}

// Names lists the commands, sorted.
func Names() []string {
	var names []string
	for n := range commands() {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Main runs the command that p names and returns its exit code.
func Main(p Process) int {
	if len(p.Args) > 0 && filepath.Base(p.Args[0]) == Self {
		p.Args = p.Args[1:]
	}
	if len(p.Args) == 0 {
		fmt.Fprintf(p.Stderr, "usage: %s --install DIR | COMMAND [ARG ...]\ncommands: %s\n", Self, strings.Join(Names(), " "))
		return 2
	}
	name := filepath.Base(p.Args[0])
	if name == "--install" {
		return install(p)
	}
	if name == sshd.SessionCommand {
		return sshd.Session(p.Stdin, p.Stdout, p.Stderr)
	}
	c, ok := commands()[name]
	if !ok {
		fmt.Fprintf(p.Stderr, "%s: no such command: %q\n", Self, name)
		return 127
	}
	return c(p)
}
