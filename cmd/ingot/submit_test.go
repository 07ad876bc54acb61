package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/ingot-grading/ingot/wire"
)

// parse reads a command line as main does.
func parse(t *testing.T, args ...string) (*cli, error) {
	t.Helper()
	c := new(cli)
	k, err := kong.New(c, kong.Name("ingot"), kong.Exit(func(int) { t.Error("exit called") }))
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Parse(args)
	return c, err
}

// What is typed is what a webapp would send.
func TestJobOfACommandLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.c")
	if err := os.WriteFile(file, []byte("main(){}"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := parse(t, "submit", "course", "task", "-i", "q=a=b,c", "-i", "many=1", "-i", "many=2", "-f", "src=@"+file,
		"-e", "docker/other", "--time=5s", "--memory=64", "--debug=yes", "--state=s", "--run-cmd=/task/go x")
	if err != nil {
		t.Fatal(err)
	}
	job, err := c.Submit.job()
	if err != nil {
		t.Fatal(err)
	}
	if job.CourseID.Value != "course" || job.TaskID.Value != "task" || job.EnvironmentType != "docker" || job.Environment != "other" || job.Debug != wire.DebugOn {
		t.Errorf("job %+v", job)
	}
	if v, _ := wire.Lookup(job.InputData, "q"); string(v) != "\xa5a=b,c" {
		t.Errorf("answer %q", v)
	}
	if v, _ := wire.Lookup(job.InputData, "many"); string(v) != "\x92\xa11\xa12" {
		t.Errorf("answers %q", v)
	}
	upload, _ := wire.Lookup(job.InputData, "src")
	if name, _ := wire.Lookup(upload, "filename"); string(name) != "\xa3a.c" {
		t.Errorf("upload %q", upload)
	}
	if wire.StateOf(job.InputData) != "s" || !wire.WantsUsage(job.InputData) {
		t.Errorf("inputs %q", job.InputData)
	}
	p, err := wire.ReadParameters(job.Parameters)
	if err != nil || *p.Time != 5 || *p.MemoryMiB != 64 || p.HardTime != nil || *p.RunCmd != "/task/go x" {
		t.Errorf("parameters %+v, %v", p, err)
	}
	if err := (wire.Limits{}).Check(job.InputData); err != nil {
		t.Errorf("inputs are not one value: %v", err)
	}
}

// The task's file gives what the command line leaves open.
func TestJobOfATaskFile(t *testing.T) {
	tasks := writeTask(t, "course", "task", "environment: c\nlimits: {time: 5, memory: 64}\nproblems: {q: {type: code, name: on}}")
	c, err := parse(t, "submit", "course", "task", "--tasks", tasks, "-i", "q=1", "--memory=32")
	if err != nil {
		t.Fatal(err)
	}
	job, err := c.Submit.job()
	if err != nil {
		t.Fatal(err)
	}
	if job.EnvironmentType != "docker" || job.Environment != "c" {
		t.Errorf("environment %s/%s", job.EnvironmentType, job.Environment)
	}
	if want := "\x81\xa1q\x82\xa4type\xa4code\xa4name\xc3"; string(job.TaskProblems) != want {
		t.Errorf("problems %q, want %q", job.TaskProblems, want)
	}
	p, err := wire.ReadParameters(job.Parameters)
	if err != nil || *p.Time != 5 || *p.HardTime != 15 || *p.MemoryMiB != 32 {
		t.Errorf("parameters %+v, %v", p, err)
	}
	for name, args := range map[string][]string{
		"no such task":   {"course", "other", "--tasks", tasks},
		"no environment": {"course", "bare", "--tasks", writeTask(t, "course", "bare", "name: x")},
	} {
		c, err := parse(t, append([]string{"submit"}, args...)...)
		if err == nil {
			_, err = c.Submit.job()
		}
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestBadCommandLines(t *testing.T) {
	for name, args := range map[string][]string{
		"no value":       {"-i", "q"},
		"no problem":     {"-i", "=v"},
		"no file":        {"-f", "q=@/does/not/exist"},
		"no at":          {"-f", "q=file"},
		"no name":        {"-e", "docker"},
		"split second":   {"--time=1500ms"},
		"negative limit": {"--hard-time=-3s"},
		"less than none": {"--memory=-5"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := parse(t, append([]string{"submit", "course", "task"}, args...)...)
			if err == nil {
				_, err = c.Submit.job()
			}
			if err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestSubmitEndsAsTheJobDid(t *testing.T) {
	for status, want := range map[string]error{"success": nil, "failed": errUnlike, "timeout": errUnlike} {
		t.Run(status, func(t *testing.T) {
			addr := stub(t, func(j *wire.ClientNewJob) wire.Result {
				return wire.Result{Status: status, Grade: 50, Archive: []byte("tgz"), Custom: wire.WithUsage(nil, wire.Usage{All: wire.Resources{CPU: time.Second, MemoryPeak: 1 << 20}})}
			})
			archive := filepath.Join(t.TempDir(), "a.tgz")
			c := submitCmd{backendFlags: backendFlags{Backend: addr, Patience: time.Minute}, Quiet: true, Archive: archive,
				jobFlags: jobFlags{Course: "c", Task: "t", Env: "docker/demo", Debug: "no"}}
			if err := c.Run(t.Context()); !errors.Is(err, want) {
				t.Errorf("ended with %v, want %v", err, want)
			}
			if b, err := os.ReadFile(archive); string(b) != "tgz" {
				t.Errorf("archive %q, %v", b, err)
			}
		})
	}
}

// A name that is not offered is refused with what is.
func TestUnknownEnvironment(t *testing.T) {
	addr := stub(t, nil)
	at, job := backendFlags{Backend: addr, Patience: time.Minute}, jobFlags{Course: "c", Task: "t", Env: "docker/nowhere", Debug: "no"}
	for name, c := range map[string]interface{ Run(context.Context) error }{
		"submit": &submitCmd{backendFlags: at, Quiet: true, jobFlags: job},
		"bench":  &benchCmd{backendFlags: at, Jobs: 1, Parallel: 1, jobFlags: job},
	} {
		if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "docker/demo") {
			t.Errorf("%s: got %v, want an error that names docker/demo", name, err)
		}
	}
}

func TestNoBackend(t *testing.T) {
	f := backendFlags{Backend: "ipc://" + filepath.Join(t.TempDir(), "none"), Patience: time.Millisecond}
	if _, _, _, err := f.connect(t.Context()); err == nil || !strings.Contains(err.Error(), "no backend answers") {
		t.Errorf("got %v", err)
	}
}

func TestReportShowsResultAndUsage(t *testing.T) {
	done := &wire.BackendJobDone{JobID: "j", Result: wire.Result{Status: "failed", Grade: 12.5, Text: "a\nb",
		Problems: wire.Raw("\x81\xa1q\x92\xa6failed\xa1x"),
		Custom: wire.WithUsage(nil, wire.Usage{Victim: "python3", Sent: 1 << 9, Denied: 7, Wall: 2 * time.Second,
			All:    wire.Resources{CPU: 1500 * time.Millisecond, MemoryPeak: 3 << 20, PidsPeak: 9, Read: 5 << 20, Written: 6 << 20},
			Phases: []wire.Phase{{Name: "waiting", Took: time.Millisecond}, {Name: "running", Took: time.Second}},
			Containers: []wire.ContainerUsage{
				{Name: "grader", End: wire.EndExited, Used: wire.Resources{CPU: time.Second}, Phases: []wire.Phase{{Name: "creating", Took: 31250 * time.Microsecond}}},
				{Name: "s1", End: wire.EndExited, Code: 25, Used: wire.Resources{MemoryPeak: 2 << 20, PidsPeak: 4}},
				{Name: "s2", End: wire.EndTimeout, Code: 137}, {Name: "s3", End: wire.EndRunning},
			}, Unlisted: 3})}}
	var text, js strings.Builder
	if err := errors.Join(printResult(&text, done, time.Second, false), printResult(&js, done, time.Second, true)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"failed", "12.50", `{"q":["failed","x"]}`, "1.50 s CPU", "3.0 MiB", "python3, out of memory", "0.5 KiB sent, 7 times",
		"5.0 MiB read, 6.0 MiB written", "9 processes", "used      2.00 s wall, 1.50 s CPU", "\n          waiting 1ms, running 1s\n",
		"\ngrader    1.00 s CPU, 0.0 MiB memory, 0 processes, 0.0 MiB read, 0.0 MiB written, exit code 0\n          creating 31.3ms\n",
		"exit code 25\ns2        0.00 s CPU", "timeout\ns3        0.00 s CPU", "ended with its job\n…         and 3 containers more"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in:\n%s", want, text.String())
		}
	}
	for _, want := range []string{`"cpu_seconds": 1.5`, `"memory_peak_bytes": 3145728`, `"running": 1`, `"killed_for_memory": "python3"`, `"network_sent_bytes": 512`, `"network_denied": 7`, `"read_bytes": 5242880`, `"written_bytes": 6291456`,
		`"wall_seconds": 2`, `"pids_peak": 9`, `"name": "s1"`, `"exit_code": 25`, `"end": "timeout"`, `"creating": 0.03125`, `"containers_unlisted": 3`} {
		if !strings.Contains(js.String(), want) {
			t.Errorf("%q is not in:\n%s", want, js.String())
		}
	}
}

func TestBenchFailsIfAJobDoes(t *testing.T) {
	for status, want := range map[string]error{"success": nil, "failed": errUnlike} {
		addr := stub(t, func(*wire.ClientNewJob) wire.Result { return wire.Result{Status: status} })
		b := benchCmd{backendFlags: backendFlags{Backend: addr, Patience: time.Minute}, Jobs: 20, Parallel: 3,
			jobFlags: jobFlags{Course: "c", Task: "t", Env: "docker/demo", Debug: "no"}}
		if err := b.Run(t.Context()); !errors.Is(err, want) {
			t.Errorf("%s: ended with %v, want %v", status, err, want)
		}
	}
}
