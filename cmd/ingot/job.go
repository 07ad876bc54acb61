package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/wire"
)

// jobFlags say what to submit.
type jobFlags struct {
	Course string `arg:"" help:"Course id."`
	Task   string `arg:"" help:"Task id."`

	Env      string        `short:"e" default:"docker/demo" help:"Environment, TYPE/NAME (${default})."`
	Input    []string      `short:"i" sep:"none" placeholder:"PROBLEM=VALUE" help:"Answer to a problem. Repeat a problem for several answers to it."`
	File     []string      `short:"f" sep:"none" placeholder:"PROBLEM=@FILE" help:"Upload a file as the answer to a problem."`
	Time     time.Duration `help:"CPU time limit; the agent's default if not given."`
	HardTime time.Duration `help:"Wall-clock limit; three times the CPU time limit if not given."`
	Memory   int64         `placeholder:"MIB" help:"Memory limit; the agent's default if not given."`
	Network  bool          `help:"Give the grader a network."`
	RunCmd   *string       `placeholder:"COMMAND" help:"Run this instead of the task's run script."`
	Debug    string        `enum:"no,yes,ssh" default:"no" help:"no, yes (show what the grading script printed) or ssh."`
	Lang     string        `default:"en" help:"Language of the messages (${default})."`
	User     string        `default:"ingot" help:"Name of the student (${default})."`
	State    string        `help:"State left by an earlier submission."`
	Attempts string        `default:"1" help:"Which attempt of the student this is (${default})."`
	Priority int64         `help:"Smaller runs first; webapps use 0 and, for replays, 1."`
}

// job builds the message.
func (f *jobFlags) job() (*wire.ClientNewJob, error) {
	inputs, err := f.inputs()
	if err != nil {
		return nil, err
	}
	typ, name, ok := strings.Cut(f.Env, "/")
	if !ok || typ == "" || name == "" {
		return nil, fmt.Errorf("--env %q: want TYPE/NAME, such as docker/demo", f.Env)
	}
	for _, d := range []time.Duration{f.Time, f.HardTime} {
		if d < 0 || d%time.Second != 0 {
			return nil, fmt.Errorf("limit %v: want whole seconds", d)
		}
	}
	debug := map[string]wire.Debug{"no": wire.DebugOff, "yes": wire.DebugOn, "ssh": wire.DebugSSH}[f.Debug]
	return &wire.ClientNewJob{
		JobID: newJobID(), Priority: f.Priority,
		CourseID: wire.Nullable{Value: f.Course}, TaskID: wire.Nullable{Value: f.Task},
		InputData: inputs, EnvironmentType: typ, Environment: name,
		Parameters: f.parameters(), Debug: debug, Launcher: "ingot submit - " + f.User,
	}, nil
}

// inputs builds the map a webapp would send (PROTOCOL.md 1.6).
func (f *jobFlags) inputs() (wire.Raw, error) {
	answers, err := pairs(f.Input)
	if err != nil {
		return nil, err
	}
	b := msgp.AppendMapHeader(nil, uint32(len(answers)+len(f.File)+8))
	for _, a := range answers {
		b = msgp.AppendString(b, a.problem)
		if len(a.values) == 1 {
			b = msgp.AppendString(b, a.values[0])
			continue
		}
		b = msgp.AppendArrayHeader(b, uint32(len(a.values)))
		for _, v := range a.values {
			b = msgp.AppendString(b, v)
		}
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

// parameters builds environment_parameters, leaving out what was not given.
func (f *jobFlags) parameters() wire.Raw {
	var limits []byte
	n := uint32(0)
	for _, l := range []struct {
		name  string
		value int64
	}{{"time", int64(f.Time / time.Second)}, {"hard_time", int64(f.HardTime / time.Second)}, {"memory", f.Memory}} {
		if l.value != 0 {
			limits = msgp.AppendInt64(msgp.AppendString(limits, l.name), l.value)
			n++
		}
	}
	fields := uint32(2)
	if f.RunCmd != nil {
		fields++
	}
	b := msgp.AppendMapHeader(nil, fields)
	if f.RunCmd != nil {
		b = msgp.AppendString(msgp.AppendString(b, "run_cmd"), *f.RunCmd)
	}
	b = msgp.AppendBool(msgp.AppendString(b, "network_grading"), f.Network)
	return append(msgp.AppendMapHeader(msgp.AppendString(b, "limits"), n), limits...)
}
