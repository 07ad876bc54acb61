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
	r.Usage = newUsageReport(u)
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
	fmt.Fprintf(w, "result\t%s\n", inLine(r.Status))
	fmt.Fprintf(w, "grade\t%.2f\n", r.Grade)
	for _, f := range [][2]string{
		{"text", r.Text}, {"problems", string(r.Problems)}, {"tests", string(r.Tests)}, {"state", r.State},
		{"stdout", r.Stdout}, {"stderr", r.Stderr},
	} {
		if f[1] != "" && f[1] != "{}" {
			fmt.Fprintf(w, "%s\t%s\n", f[0], strings.ReplaceAll(strings.TrimRight(inText(f[1]), "\n"), "\n", "\n\t"))
		}
	}
	if r.Archive > 0 {
		fmt.Fprintf(w, "archive\t%d bytes\n", r.Archive)
	}
	fmt.Fprintf(w, "took\t%v\n", took.Round(time.Millisecond))
	if r.Usage != nil {
		r.Usage.print(w)
	}
	return w.Flush()
}
