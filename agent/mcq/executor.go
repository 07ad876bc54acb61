package mcq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/wire"
)

// Environment is the one environment, as type and as name.
const Environment = "mcq"

// What a student is told when the job does not suit this agent (PROTOCOL.md 3.5).
const (
	textNoTask = "Task unavailable on agent. Please retry later, the agents should synchronize soon. " +
		"If the error persists, please contact your course administrator."
	textNoEnvironment = "This environment is not available on this agent. Please contact your course administrator."
)

// Config says where tasks are and how they are graded.
type Config struct {
	// Tasks is the directory with one folder per course. It must exist, for
	// whoever runs this.
	Tasks string
	// Rules is the version whose answers are given. Zero is the newest.
	Rules Rules
	// CatalogueMemory bounds what is kept of tasks' translations, in bytes.
	// Default 64 MiB.
	CatalogueMemory int
	// Metrics is where to count jobs and catalogues; nil for nowhere.
	Metrics prometheus.Registerer
	// Log must not be nil.
	Log *slog.Logger
}

const defaultCatalogueMemory = 64 << 20

// Executor grades MCQ jobs. It implements [agent.Executor].
type Executor struct {
	rules    ruleset
	messages map[string]*messages // by language, "" is English
	tasks    *tasks
	metrics  *metrics
	pool     sync.Pool // of *grading
}

var _ agent.Executor = (*Executor)(nil)

// New returns an Executor. It fails if the tasks directory is not one.
func New(cfg Config) (*Executor, error) {
	if cfg.Log == nil {
		return nil, errors.New("mcq: no logger")
	}
	if info, err := os.Stat(cfg.Tasks); err != nil {
		return nil, fmt.Errorf("mcq: tasks directory: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("mcq: tasks directory: %s is a file", cfg.Tasks)
	} else if _, err := os.Stat(cfg.Tasks + "/."); err != nil { // the right to look into it
		return nil, fmt.Errorf("mcq: tasks directory: %w", err)
	}
	if cfg.CatalogueMemory <= 0 {
		cfg.CatalogueMemory = defaultCatalogueMemory
	}
	rules := cfg.Rules.set()
	say, err := readMessages(rules.languages)
	if err != nil {
		return nil, fmt.Errorf("mcq: %w", err)
	}
	e := &Executor{rules: rules, messages: say, metrics: newMetrics()}
	e.tasks = &tasks{
		root:    strings.TrimSuffix(cfg.Tasks, "/") + "/",
		fresh:   freshness,
		metrics: e.metrics,
		log:     cfg.Log,
		places:  map[task]place{},
		kept:    map[string]kept{},
		limit:   cfg.CatalogueMemory,
	}
	if cfg.Metrics != nil {
		if err := e.register(cfg.Metrics); err != nil {
			return nil, fmt.Errorf("mcq: %w", err)
		}
	}
	e.pool.New = func() any { return &grading{rules: rules} }
	return e, nil
}

// Environments lists mcq/mcq (PROTOCOL.md 1.7).
func (e *Executor) Environments() []wire.Environment {
	return []wire.Environment{{Type: Environment, Name: Environment, ID: Environment, Advertised: true}}
}

// Changed returns nil: the environments never change.
func (e *Executor) Changed() <-chan struct{} { return nil }

// Close does nothing: no job leaves anything behind.
func (e *Executor) Close(context.Context) error { return nil }

// Run grades job. It may be called by many goroutines at once. A job that was
// killed before it started is not graded; any other is, as that takes less time
// than asking again. A job without a task is graded without translations.
func (e *Executor) Run(ctx context.Context, job agent.Job, _ agent.Uplink) wire.Result {
	began := time.Now()
	res := e.run(ctx, job)
	res.Stdout.Null, res.Stderr.Null = true, true
	e.metrics.job(res.Status, time.Since(began))
	return res
}

func (e *Executor) run(ctx context.Context, job agent.Job) wire.Result {
	switch {
	case errors.Is(context.Cause(ctx), agent.ErrKilled):
		return e.failed(job, "killed", "")
	case job.EnvironmentType != Environment || job.Environment != Environment:
		return e.failed(job, "crash", textNoEnvironment)
	}
	res, err := e.grade(job)
	switch {
	case errors.Is(err, errNoTask):
		return e.failed(job, "crash", textNoTask)
	case err != nil:
		return e.failed(job, "crash", err.Error())
	}
	if res.State == "" && e.rules.keepsState {
		res.State = job.State
	}
	return res
}

// grade grades a job. The error is errNoTask, or its text is for the student.
func (e *Executor) grade(job agent.Job) (wire.Result, error) {
	g := e.pool.Get().(*grading)
	defer e.pool.Put(g)
	defer g.forget()
	if err := g.inputs.read(job.InputData); err != nil {
		return wire.Result{}, err
	}
	lang, _ := g.inputs.get([]byte("@lang")).text()
	if g.say = e.messages[string(lang)]; g.say == nil {
		g.say = e.messages[""]
	}
	if !job.CourseID.Null || !job.TaskID.Null {
		var err error
		if g.texts, err = e.tasks.texts(job.CourseID.Value, job.TaskID.Value, lang); err != nil {
			return wire.Result{}, err
		}
	}
	return g.grade(job.TaskProblems)
}

// failed is the result of a job that was not graded. Old versions lost the
// submission's state then.
func (e *Executor) failed(job agent.Job, status, text string) wire.Result {
	res := agent.Failed(job, status, text)
	if !e.rules.keepsState {
		res.State = ""
	}
	return res
}
