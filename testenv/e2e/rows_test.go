//go:build native || vm

package e2e

import (
	"math"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

// row is one job of the proof and what must come of it.
type row struct {
	rule  string // the section of PROTOCOL.md, and its line
	sh    string // the task's run script; one that begins with "student:" is for check
	env   string // "": demo
	in    limits
	needs bool // limits that a tier may not have

	change func(*wire.ClientNewJob)
	kill   bool // as soon as it has started

	status, text string // of the result; the text is part of it
	grade        float64
	kept         bool // the state that the job came with; else the grader's, which is none
}

// run submits all rows at once and compares each result.
func (r *rig) run(t *testing.T, rows []row) {
	t.Helper()
	open, killed := map[string]row{}, map[string]bool{}
	for _, row := range rows {
		if row.needs && native() {
			continue
		}
		job := r.submission(row)
		open[job.JobID], killed[job.JobID] = row, row.kill
		r.send(job)
	}
	for len(open) > 0 {
		switch m := r.next().(type) {
		case *wire.BackendJobStarted:
			if killed[m.JobID] {
				r.send(&wire.ClientKillJob{JobID: m.JobID})
			}
		case *wire.BackendJobDone:
			row, ok := open[m.JobID]
			if !ok {
				t.Fatalf("a result of %s, which has none to come: %s", m.JobID, m.Status)
			}
			delete(open, m.JobID)
			row.compare(t, m)
		}
	}
}

func (row row) compare(t *testing.T, m *wire.BackendJobDone) {
	t.Helper()
	state := ""
	if row.kept {
		state = "before"
	}
	if m.Status != row.status || !strings.Contains(m.Text, row.text) || math.Abs(m.Grade-row.grade) > 0.01 || m.State != state {
		t.Errorf("%s: got %s, grade %v, text %q, state %q; want %s, grade %v, %q, %q",
			row.rule, m.Status, m.Grade, m.Text, m.State, row.status, row.grade, row.text, state)
	}
}

func (r *rig) submission(row row) *wire.ClientNewJob {
	name := strings.Map(func(c rune) rune {
		if c == ' ' || c == '/' {
			return '-'
		}
		return c
	}, row.rule)
	r.task(name, row.sh)
	job := r.job(name, row.in)
	job.EnvironmentType = r.kind
	if row.env != "" {
		job.Environment = row.env
	}
	if row.change != nil {
		row.change(job)
	}
	return job
}

// student is a row whose script says with its status whether all is well, and
// with its text what is not.
func student(rule, sh string) row {
	return row{rule: rule, sh: checks + sh + "\nfeedback-result success", status: "success", grade: 100}
}

// limited is a row that takes what only some tiers have.
func limited(r row) row {
	r.needs = true
	return r
}

// frameOK is a result frame as printf makes it.
const frameOK = `printf '\000\000\000\044\202\244type\246result\246result\201\246result\247success'; `
