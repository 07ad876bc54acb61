package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/wire"
)

// report is a result for people and their scripts.
type report struct {
	Job      string          `json:"job"`
	Status   string          `json:"status"`
	Grade    float64         `json:"grade"`
	Text     string          `json:"text"`
	Problems json.RawMessage `json:"problems"`
	Tests    json.RawMessage `json:"tests"`
	Custom   json.RawMessage `json:"custom"`
	State    string          `json:"state"`
	Archive  int             `json:"archive_bytes"`
	Stdout   string          `json:"stdout,omitempty"`
	Stderr   string          `json:"stderr,omitempty"`
	Took     float64         `json:"took_seconds"` // as this client saw it
	Usage    *usageReport    `json:"usage,omitempty"`
}

// usageReport is what the agent says the job used.
type usageReport struct {
	CPU        float64            `json:"cpu_seconds"`
	Wall       float64            `json:"wall_seconds"`
	MemoryPeak int64              `json:"memory_peak_bytes"`
	PidsPeak   int64              `json:"pids_peak"`
	Victim     string             `json:"killed_for_memory,omitempty"`
	Sent       int64              `json:"network_sent_bytes"`
	Denied     int64              `json:"network_denied"`
	Phases     map[string]float64 `json:"phase_seconds"`
}

func newReport(d *wire.BackendJobDone, took time.Duration) (report, error) {
	r := report{
		Job: d.JobID, Status: d.Status, Grade: d.Grade, Text: d.Text, State: d.State,
		Archive: len(d.Archive), Stdout: d.Stdout.Value, Stderr: d.Stderr.Value, Took: took.Seconds(),
	}
	for _, f := range []struct {
		to   *json.RawMessage
		from wire.Raw
	}{{&r.Problems, d.Problems}, {&r.Tests, d.Tests}, {&r.Custom, d.Custom}} {
		text, err := toJSON(f.from)
		if err != nil {
			return r, err
		}
		*f.to = text
	}
	u, ok, err := wire.UsageOf(d.Custom)
	if err != nil || !ok {
		return r, err
	}
	r.Usage = &usageReport{
		CPU: u.CPU.Seconds(), Wall: u.Wall.Seconds(), MemoryPeak: u.MemoryPeak, PidsPeak: u.PidsPeak,
		Victim: u.Victim, Sent: u.Sent, Denied: u.Denied, Phases: map[string]float64{},
	}
	for _, p := range u.Phases {
		r.Usage.Phases[p.Name] = p.Took.Seconds()
	}
	return r, nil
}

func toJSON(v wire.Raw) (json.RawMessage, error) {
	if len(v) == 0 {
		return json.RawMessage("{}"), nil
	}
	var b strings.Builder
	if _, err := msgp.UnmarshalAsJSON(&b, v); err != nil {
		return nil, fmt.Errorf("show the result: %w", err)
	}
	return json.RawMessage(b.String()), nil
}

// printResult shows a result as a table, or as JSON.
func printResult(out io.Writer, d *wire.BackendJobDone, took time.Duration, asJSON bool) error {
	r, err := newReport(d, took)
	if err != nil {
		return err
	}
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "result\t%s\n", r.Status)
	fmt.Fprintf(w, "grade\t%.2f\n", r.Grade)
	for _, f := range [][2]string{
		{"text", r.Text}, {"problems", string(r.Problems)}, {"tests", string(r.Tests)}, {"state", r.State},
		{"stdout", r.Stdout}, {"stderr", r.Stderr},
	} {
		if f[1] != "" && f[1] != "{}" {
			fmt.Fprintf(w, "%s\t%s\n", f[0], strings.ReplaceAll(strings.TrimRight(f[1], "\n"), "\n", "\n\t"))
		}
	}
	if r.Archive > 0 {
		fmt.Fprintf(w, "archive\t%d bytes\n", r.Archive)
	}
	fmt.Fprintf(w, "took\t%v\n", took.Round(time.Millisecond))
	if u := r.Usage; u != nil {
		fmt.Fprintf(w, "used\t%s\n", u)
		if u.Victim != "" {
			fmt.Fprintf(w, "killed\t%s, out of memory\n", u.Victim)
		}
	}
	return w.Flush()
}

// String is the usage in a line.
func (u *usageReport) String() string {
	text := fmt.Sprintf("%.2f s CPU, %.2f s wall, %.1f MiB memory, %d processes",
		u.CPU, u.Wall, float64(u.MemoryPeak)/(1<<20), u.PidsPeak)
	if u.Sent > 0 || u.Denied > 0 {
		text += fmt.Sprintf(", %.1f KiB sent, %d times kept off the network", float64(u.Sent)/(1<<10), u.Denied)
	}
	return text
}
