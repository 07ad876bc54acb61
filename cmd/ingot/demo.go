package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/ingot-grading/ingot/cmd/internal/client"
	"github.com/ingot-grading/ingot/wire"
)

// demoCmd submits the jobs of a file and says whether they ended as they should.
type demoCmd struct {
	backendFlags `embed:""`
	File         string        `arg:"" type:"existingfile" help:"YAML file of jobs and what is expected of each."`
	Tasks        string        `type:"existingdir" placeholder:"DIR" help:"Directory of courses: take problems from DIR/COURSE/TASK/task.yaml, and what the file of jobs leaves open."`
	AgentWait    time.Duration `default:"30s" help:"How long to wait for an agent that offers the environments (${default})."`
}

// table is the file: an environment, a course, and its cases. Without an
// environment it is the one of each task's file.
type table struct {
	EnvironmentType string `yaml:"environment_type"`
	Environment     string
	Course          string
	Cases           []demoCase
}

// demoCase is one submission and what must come of it.
type demoCase struct {
	Task   string
	Type   string `yaml:"environment_type"` // and Env: in place of the table's
	Env    string `yaml:"environment"`
	Shows  string
	Limits struct {
		Time     int64 // seconds of CPU time
		HardTime int64 `yaml:"hard_time"` // seconds
		Memory   int64 // MiB
	}
	Inputs map[string]values
	Expect struct {
		Status string
		Grade  *float64 // nil: not checked, as empty texts
		Text   string
		State  string
	}
}

// values are the answers to one problem: a text, or a list of them.
type values []string

// UnmarshalYAML reads them.
func (v *values) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return n.Decode((*[]string)(v))
	}
	*v = values{""}
	return n.Decode(&(*v)[0])
}

// outcome is how a case ended.
type outcome struct {
	done *wire.BackendJobDone
	err  error
}

// Run submits all jobs at once and prints a table. It ends with status 0 only
// if every result is as expected.
func (c *demoCmd) Run(ctx context.Context) error {
	t, err := readTable(c.File)
	if err != nil {
		return err
	}
	jobs := make([]*wire.ClientNewJob, len(t.Cases))
	for i := range t.Cases {
		if jobs[i], err = t.job(&t.Cases[i], c.Tasks); err != nil {
			return err
		}
	}
	cl, _, closeAll, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	if err := c.awaitAgents(ctx, cl, jobs); err != nil {
		return err
	}
	return t.print(os.Stdout, submitAll(ctx, cl, jobs))
}

// submitAll submits all jobs at once and waits for their results.
func submitAll(ctx context.Context, cl *client.Client, jobs []*wire.ClientNewJob) []outcome {
	show := newProgress(os.Stderr, false)
	show.to(fmt.Sprintf("grading %d jobs", len(jobs)))
	results := make([]outcome, len(jobs))
	ended := make(chan struct{}, len(jobs))
	for i, job := range jobs {
		go func() {
			results[i].done, results[i].err = follow(ctx, cl, job, newProgress(os.Stderr, true))
			ended <- struct{}{}
		}()
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for left := len(jobs); left > 0; {
		select {
		case <-ended:
			left--
		case <-tick.C:
			show.tick()
		}
	}
	show.end()
	return results
}

func readTable(path string) (*table, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the jobs: %w", err)
	}
	t := new(table)
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(t); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(t.Cases) == 0 {
		return nil, fmt.Errorf("%s: no cases", path)
	}
	return t, nil
}

// job builds the submission of a case. tasks is where the courses are, "" for
// nowhere.
func (t *table) job(c *demoCase, tasks string) (*wire.ClientNewJob, error) {
	f := jobFlags{
		Course: t.Course, Task: c.Task, Tasks: tasks, Debug: "no", Lang: "en", User: "demo",
		Time: time.Duration(c.Limits.Time) * time.Second, HardTime: time.Duration(c.Limits.HardTime) * time.Second, Memory: c.Limits.Memory,
	}
	if typ, name := cmp.Or(c.Type, t.EnvironmentType), cmp.Or(c.Env, t.Environment); typ != "" || name != "" {
		f.Env = typ + "/" + name
	}
	for _, problem := range slices.Sorted(maps.Keys(c.Inputs)) {
		for _, value := range c.Inputs[problem] {
			switch problem {
			case "@state":
				f.State = value
			case "@attempts":
				f.Attempts = value
			default:
				f.Input = append(f.Input, problem+"="+value)
			}
		}
	}
	return f.job()
}

// print shows what came of the cases.
func (t *table) print(out io.Writer, results []outcome) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TASK\tEXPECTED\tRESULT\tGRADE\tCPU\tWALL\tPEAK MEMORY\tSHOWS\t")
	var wrong []string
	for i, c := range t.Cases {
		r := results[i]
		if r.err != nil {
			fmt.Fprintf(w, "%s\t%s\tno result\t\t\t\t\t%s\t\n", c.Task, c.Expect.Status, c.Shows)
			wrong = append(wrong, fmt.Sprintf("%s: %v", c.Task, r.err))
			continue
		}
		u, _, err := wire.UsageOf(r.done.Custom)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.2f\t%.2f s\t%.2f s\t%.1f MiB\t%s\t\n", c.Task, c.Expect.Status, inLine(r.done.Status), r.done.Grade,
			u.All.CPU.Seconds(), u.Wall.Seconds(), float64(u.All.MemoryPeak)/(1<<20), c.Shows)
		if diff := c.differs(r.done); diff != "" {
			wrong = append(wrong, c.Task+": "+diff)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(wrong) > 0 {
		fmt.Fprintf(out, "\nnot as expected:\n  %s\n", strings.Join(wrong, "\n  "))
		return errUnlike
	}
	fmt.Fprintf(out, "\nall %d as expected\n", len(t.Cases))
	return nil
}

// differs says what is not as expected, or nothing.
func (c *demoCase) differs(d *wire.BackendJobDone) string {
	e := c.Expect
	switch {
	case d.Status != e.Status:
		return fmt.Sprintf("result %q (%s), expected %q", d.Status, inText(d.Text), e.Status)
	case e.Grade != nil && math.Abs(d.Grade-*e.Grade) > 1e-9:
		return fmt.Sprintf("grade %v, expected %v", d.Grade, *e.Grade)
	case e.Text != "" && d.Text != e.Text:
		return fmt.Sprintf("text %q, expected %q", d.Text, e.Text)
	case e.State != "" && d.State != e.State:
		return fmt.Sprintf("state %q, expected %q", d.State, e.State)
	}
	return ""
}
