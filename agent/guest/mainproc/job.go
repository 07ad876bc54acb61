package mainproc

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/ingot-grading/ingot/agent/guest/feedback"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
)

// The directories of a job, beside those of feedback and input.
const (
	taskDir    = "/task"
	archiveDir = "/archive"
	commonDir  = "/course/common"
	tmpDir     = "/tmp"
)

// What the result says when no script could speak for itself.
const (
	textNoRun      = "'/task/run' could not be found"
	textNotStarted = "An error occured while running the grading script. It is possible that it is non-executable or made a timeout"
	textOOMGroup   = "Cgroup flag memory.oom.group is not set. Please refer to the setup documentation."
	textNoFeedback = "No feedback was given !"
)

// job is the one job of a container.
type job struct {
	root    string // stands before every path; empty but in tests
	worker  owner
	rootUID int
	log     *slog.Logger
	frames  chan []byte       // to the agent, while the job runs
	dirs    map[string]string // where its directories really are, by the constants
}

// debugMode is what the client wants to see beside the result.
type debugMode uint8

const (
	debugOff debugMode = iota
	debugOn
	debugSSH
)

func parseDebug(start *pyjson.Object, forced bool) debugMode {
	v, _ := start.Get("debug")
	switch {
	case v == "ssh":
		return debugSSH
	case forced || truthy(v):
		return debugOn
	}
	return debugOff
}

func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case pyjson.Int:
		return v != "0"
	case float64:
		return v != 0
	case []any:
		return len(v) > 0
	case *pyjson.Object:
		return v.Len() > 0
	}
	return true
}

// run does the job of a start message and returns the result map.
func (j *job) run(start *pyjson.Object, forceDebug bool) *pyjson.Object {
	result, err := j.try(start, parseDebug(start, forceDebug))
	if err != nil {
		j.log.Error("job failed", "err", err)
		return broken(err)
	}
	return result
}

// broken is the result of a job that failed for a reason of ours.
func broken(err error) *pyjson.Object {
	r := crash(fmt.Sprintf("Exception occured in container (%s)", err))
	r.Set("problems", new(pyjson.Object))
	return r
}

func crash(text string) *pyjson.Object {
	r := new(pyjson.Object)
	r.Set("result", "crash")
	r.Set("text", text)
	return r
}

func (j *job) try(start *pyjson.Object, debug debugMode) (*pyjson.Object, error) {
	if err := j.writeInput(start); err != nil {
		return nil, err
	}
	if err := j.prepare(); err != nil {
		return nil, err
	}
	complaint := j.oomGroup()
	text, err := j.systemFiles()
	if err != nil {
		return nil, err
	}
	if text != "" {
		complaint = text
	}
	asRoot, _ := start.Get("run_as_root")
	var out output
	j.openSocket()
	switch {
	case complaint != "":
	case debug == debugSSH:
		complaint = j.letIn(context.Background(), truthy(asRoot))
	default:
		complaint, out = j.grade(start, truthy(asRoot), debug == debugOn)
	}
	result, err := j.collect(complaint)
	if err != nil {
		return nil, err
	}
	if ids := badIDs(result); len(ids) > 0 {
		j.log.Warn("ids that the agent will refuse", "ids", ids)
		out.stderr += fmt.Sprintf("warning: these ids will be refused with the whole result: %q\n", ids)
	}
	if debug != debugOff {
		result.Set("stdout", out.stdout)
		result.Set("stderr", out.stderr)
	}
	task, err := j.left(taskDir)
	if err == nil {
		err = j.worker.open(task)
	}
	if err != nil {
		j.log.Warn("rights of the task not reset", "err", err)
	}
	return result, nil
}

// badIDs lists the ids of problems and tags for which the agent will refuse the
// result. The tools store them, so this is where a teacher can be told.
func badIDs(result *pyjson.Object) (ids []string) {
	for _, key := range []string{"problems", "tests"} {
		v, _ := result.Get(key)
		if m, ok := v.(*pyjson.Object); ok {
			for _, id := range m.Keys() {
				if !feedback.ValidID(id, key == "tests") {
					ids = append(ids, id)
				}
			}
		}
	}
	return ids
}

// oomGroup complains if a process that runs out of memory would not take its
// whole container with it.
func (j *job) oomGroup() string {
	b, err := os.ReadFile(j.root + "/sys/fs/cgroup/memory.oom.group")
	if err == nil && strings.TrimSpace(string(b)) == "0" {
		return textOOMGroup
	}
	return ""
}

// grade runs the grading script and complains if that cannot be done. How the
// script ends does not matter: its feedback counts.
func (j *job) grade(start *pyjson.Object, asRoot, keep bool) (complaint string, out output) {
	command, err := j.findCommand(start)
	if err == nil && len(command) == 0 {
		return textNoRun, output{}
	}
	if err == nil {
		out, err = j.runScript(command, asRoot, keep)
	}
	if err != nil {
		j.log.Warn("grading script not started", "command", command, "err", err)
		return textNotStarted, output{}
	}
	return "", out
}

// collect makes the result map of the feedback, or of a complaint, and of the
// archive (TOOLKIT.md 9.6).
func (j *job) collect(complaint string) (*pyjson.Object, error) {
	result := crash(complaint)
	if complaint == "" {
		dir, err := j.left(feedback.Dir)
		if err != nil {
			return nil, err
		}
		if result, err = feedback.In(dir).Load(); err != nil {
			return nil, err
		}
	}
	if result.Len() == 0 {
		result = crash(textNoFeedback)
		result.Set("problems", new(pyjson.Object))
		result.Set("tests", new(pyjson.Object))
		return result, nil
	}
	dir, err := j.left(archiveDir)
	if err != nil {
		return nil, err
	}
	archive, err := packArchive(dir, maxArchive)
	if err != nil {
		return nil, err
	}
	result.Set("archive", archive)
	return result, nil
}
