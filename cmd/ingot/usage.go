package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// usageReport is what the agent says the job used.
type usageReport struct {
	resources
	Wall       float64           `json:"wall_seconds"`
	Victim     string            `json:"killed_for_memory,omitempty"`
	Sent       int64             `json:"network_sent_bytes"`
	Denied     int64             `json:"network_denied"`
	Containers []containerReport `json:"containers"`
	Unlisted   int64             `json:"containers_unlisted,omitempty"`
}

// containerReport is what one container of the job used.
type containerReport struct {
	Name string `json:"name"`
	End  string `json:"end"`
	Code int64  `json:"exit_code"`
	resources
}

// resources are what a job and a container have in common.
type resources struct {
	CPU        float64            `json:"cpu_seconds"`
	MemoryPeak int64              `json:"memory_peak_bytes"`
	PidsPeak   int64              `json:"pids_peak"`
	Read       int64              `json:"read_bytes"`
	Written    int64              `json:"written_bytes"`
	Phases     map[string]float64 `json:"phase_seconds"`
	order      []wire.Phase       // the same, in order
}

func newUsageReport(u wire.Usage) *usageReport {
	r := &usageReport{
		resources: newResources(u.All, u.Phases), Wall: u.Wall.Seconds(), Victim: u.Victim, Sent: u.Sent, Denied: u.Denied,
		Containers: make([]containerReport, 0, len(u.Containers)), Unlisted: u.Unlisted,
	}
	for _, c := range u.Containers {
		r.Containers = append(r.Containers, containerReport{c.Name, string(c.End), c.Code, newResources(c.Used, c.Phases)})
	}
	return r
}

func newResources(u wire.Resources, phases []wire.Phase) resources {
	r := resources{
		CPU: u.CPU.Seconds(), MemoryPeak: u.MemoryPeak, PidsPeak: u.PidsPeak, Read: u.Read, Written: u.Written,
		Phases: map[string]float64{}, order: phases,
	}
	for _, p := range phases {
		r.Phases[p.Name] = p.Took.Seconds()
	}
	return r
}

// print adds the usage to a table of two columns.
func (u *usageReport) print(w io.Writer) {
	text := fmt.Sprintf("%.2f s wall, %s", u.Wall, u.resources)
	if u.Sent > 0 || u.Denied > 0 {
		text += fmt.Sprintf(", %.1f KiB sent, %d times kept off the network", float64(u.Sent)/(1<<10), u.Denied)
	}
	fmt.Fprintf(w, "used\t%s\n%s", text, u.phases())
	if u.Victim != "" {
		fmt.Fprintf(w, "killed\t%s, out of memory\n", inLine(u.Victim))
	}
	for _, c := range u.Containers {
		fmt.Fprintf(w, "%s\t%s, %s\n%s", inLine(c.Name), c.resources, c.end(), c.phases())
	}
	if u.Unlisted > 0 {
		fmt.Fprintf(w, "…\tand %d containers more\n", u.Unlisted)
	}
}

// end is how the container ended.
func (c *containerReport) end() string {
	switch wire.End(c.End) {
	case wire.EndExited:
		return fmt.Sprintf("exit code %d", c.Code)
	case wire.EndRunning:
		return "ended with its job"
	}
	return inLine(c.End)
}

// String is what was used, in a line.
func (r resources) String() string {
	return fmt.Sprintf("%.2f s CPU, %s memory, %d processes, %s read, %s written",
		r.CPU, mebibytes(r.MemoryPeak), r.PidsPeak, mebibytes(r.Read), mebibytes(r.Written))
}

// phases is where the time went, as a row of its own, if that is known.
func (r resources) phases() string {
	if len(r.order) == 0 {
		return ""
	}
	var all []string
	for _, p := range r.order {
		all = append(all, fmt.Sprintf("%s %v", inLine(p.Name), p.Took.Round(100*time.Microsecond)))
	}
	return "\t" + strings.Join(all, ", ") + "\n"
}
