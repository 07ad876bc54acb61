package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/cmd/internal/taskfile"
	"github.com/ingot-grading/ingot/wire"
)

// jobFlags say what to submit.
type jobFlags struct {
	Course string `arg:"" help:"Course id."`
	Task   string `arg:"" help:"Task id."`

	Tasks    string        `type:"existingdir" placeholder:"DIR" help:"Directory of courses: take problems, environment, parameters and limits from DIR/COURSE/TASK/task.yaml; flags go before it."`
	Env      string        `short:"e" placeholder:"TYPE/NAME" help:"Environment; the task's with --tasks, else docker/demo."`
	Input    []string      `short:"i" sep:"none" placeholder:"PROBLEM=VALUE" help:"Answer to a problem. Repeat a problem for several answers to it."`
	File     []string      `short:"f" sep:"none" placeholder:"PROBLEM=@FILE" help:"Upload a file as the answer to a problem."`
	Time     time.Duration `help:"CPU time limit; the task's or the agent's if not given."`
	HardTime time.Duration `help:"Wall-clock limit; the task's or three times the CPU time limit if not given."`
	Memory   int64         `placeholder:"MIB" help:"Memory limit; the task's or the agent's if not given."`
	Network  bool          `help:"Give the grader a network."`
	RunCmd   *string       `placeholder:"COMMAND" help:"Run this instead of the task's run script."`
	Debug    string        `enum:"no,yes,ssh" default:"no" help:"no, yes (show what the grading script printed) or ssh."`
	SSH      bool          `name:"ssh" help:"Get a shell in the grading container instead of grading: --debug=ssh. What you leave there as feedback is the result."`
	Lang     string        `default:"en" help:"Language of the messages (${default})."`
	User     string        `default:"ingot" help:"Name of the student (${default})."`
	State    string        `help:"State left by an earlier submission."`
	Attempts string        `default:"1" help:"Which attempt of the student this is (${default})."`
	Priority int64         `help:"Smaller runs first; webapps use 0 and, for replays, 1."`
}

// job builds the message.
func (f *jobFlags) job() (*wire.ClientNewJob, error) {
	task, err := f.task()
	if err != nil {
		return nil, err
	}
	typ, name, err := f.environment(task)
	if err != nil {
		return nil, err
	}
	inputs, err := f.inputs(task)
	if err != nil {
		return nil, err
	}
	problems, err := task.Problems()
	if err != nil {
		return nil, err
	}
	parameters, err := f.parameters(task)
	if err != nil {
		return nil, err
	}
	debug := map[string]wire.Debug{"no": wire.DebugOff, "yes": wire.DebugOn, "ssh": wire.DebugSSH}[f.Debug]
	if f.SSH {
		debug = wire.DebugSSH
	}
	return &wire.ClientNewJob{
		JobID: newJobID(), Priority: f.Priority,
		CourseID: wire.Nullable{Value: f.Course}, TaskID: wire.Nullable{Value: f.Task},
		TaskProblems: problems, InputData: inputs, EnvironmentType: typ, Environment: name,
		Parameters: parameters, Debug: debug, Launcher: "ingot submit - " + f.User,
	}, nil
}

// task is what the task's file says; nothing without --tasks.
func (f *jobFlags) task() (*taskfile.Task, error) {
	if f.Tasks == "" {
		return new(taskfile.Task), nil
	}
	return taskfile.Load(f.Tasks, f.Course, f.Task)
}

func (f *jobFlags) environment(task *taskfile.Task) (typ, name string, err error) {
	switch {
	case f.Env != "":
		var ok bool
		if typ, name, ok = strings.Cut(f.Env, "/"); !ok || typ == "" || name == "" {
			return "", "", fmt.Errorf("--env %q: want TYPE/NAME, such as docker/demo", f.Env)
		}
		return typ, name, nil
	case f.Tasks == "":
		return "docker", "demo", nil
	case task.EnvironmentType == "" || task.Environment == "":
		return "", "", fmt.Errorf("the file of task %s names no environment: give --env", f.Task)
	}
	return task.EnvironmentType, task.Environment, nil
}

// parameters builds environment_parameters, leaving out what was not given.
func (f *jobFlags) parameters(task *taskfile.Task) (wire.Raw, error) {
	for _, d := range []time.Duration{f.Time, f.HardTime} {
		if d < 0 || d%time.Second != 0 {
			return nil, fmt.Errorf("limit %v: want whole seconds, none less than 0", d)
		}
	}
	if f.Memory < 0 {
		return nil, fmt.Errorf("limit %d MiB: want 0 or more", f.Memory)
	}
	return task.Parameters(taskfile.Change{
		Time: int64(f.Time / time.Second), HardTime: int64(f.HardTime / time.Second), Memory: f.Memory,
		Network: f.Network, RunCmd: f.RunCmd,
	})
}

// inputs builds the map a webapp would send (PROTOCOL.md 1.6).
func (f *jobFlags) inputs(task *taskfile.Task) (wire.Raw, error) {
	answers, err := pairs(f.Input)
	if err != nil {
		return nil, err
	}
	b := msgp.AppendMapHeader(nil, uint32(len(answers)+len(f.File)+8))
	for _, a := range answers {
		b = a.append(b, task.Multiple(a.problem))
	}
	for _, arg := range f.File {
		if b, err = appendFile(b, arg); err != nil {
			return nil, err
		}
	}
	for _, kv := range [][2]string{
		{"@username", f.User}, {"@email", f.User + "@localhost"}, {"@lang", f.Lang}, {"@attempts", f.Attempts}, {"@state", f.State},
		{"@time", time.Now().UTC().Format("2006-01-02 15:04:05.000000+00:00")},
	} {
		b = msgp.AppendString(msgp.AppendString(b, kv[0]), kv[1])
	}
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "@random"), 0)
	return msgp.AppendBool(msgp.AppendString(b, wire.UsageKey), true), nil
}

// answer is what was given for one problem.
type answer struct {
	problem string
	values  []string
}

// append appends the answer: text, or a list if there are several or may be.
func (a answer) append(b []byte, list bool) []byte {
	b = msgp.AppendString(b, a.problem)
	if len(a.values) > 1 || list {
		b = msgp.AppendArrayHeader(b, uint32(len(a.values)))
	}
	for _, v := range a.values {
		b = msgp.AppendString(b, v)
	}
	return b
}

// pairs reads PROBLEM=VALUE arguments, in the order of their first appearance.
func pairs(args []string) ([]answer, error) {
	var all []answer
	for _, arg := range args {
		problem, value, ok := strings.Cut(arg, "=")
		if !ok || problem == "" {
			return nil, fmt.Errorf("-i %q: want PROBLEM=VALUE", arg)
		}
		i := slices.IndexFunc(all, func(a answer) bool { return a.problem == problem })
		if i < 0 {
			i, all = len(all), append(all, answer{problem: problem})
		}
		all[i].values = append(all[i].values, value)
	}
	return all, nil
}

// appendFile appends an upload: a map of exactly filename and value.
func appendFile(b []byte, arg string) ([]byte, error) {
	problem, path, ok := strings.Cut(arg, "=@")
	if !ok || problem == "" || path == "" {
		return nil, fmt.Errorf("-f %q: want PROBLEM=@FILE", arg)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("-f %s: %w", problem, err)
	}
	b = msgp.AppendMapHeader(msgp.AppendString(b, problem), 2)
	b = msgp.AppendString(msgp.AppendString(b, "filename"), filepath.Base(path))
	return msgp.AppendBytes(msgp.AppendString(b, "value"), content), nil
}
