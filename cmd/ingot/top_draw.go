package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// view is what there is to draw on. Without a width or a height, all is drawn.
type view struct {
	width, height int
	plain         bool // no colours
}

// The styles of a line, as ANSI attributes.
const (
	usual  = ""
	strong = "1"
	faint  = "2"
	bad    = "31"
	good   = "32"
	slow   = "33"
)

// row is a line of a panel.
type row struct {
	style string
	cells []string
}

// panel is a table of the picture.
type panel struct {
	head []string
	rows []row
}

// draw makes the lines of the picture.
func draw(s *snapshot, v view) []string {
	title := fmt.Sprintf("%s  %s  clients %d  slots %d  running %d  waiting %d",
		s.page, s.Now.Local().Format(time.TimeOnly), s.Clients, s.Slots, s.Running, s.Waiting)
	style := strong
	switch {
	case s.err != nil:
		title, style = title+"  "+s.err.Error(), bad
	case s.Stopping:
		title, style = title+"  stopping", slow
	}
	lines := []string{v.line(style, title)}
	panels := slices.DeleteFunc([]panel{agents(s), running(s), waiting(s), ended(s)}, func(t panel) bool { return len(t.rows) == 0 })
	if v.height > 0 {
		shorten(panels, v.height-len(lines))
	}
	for _, t := range panels {
		lines = append(append(lines, ""), v.panel(t)...)
	}
	if v.height > 0 {
		lines = lines[:min(len(lines), v.height)]
	}
	return lines
}

func agents(s *snapshot) panel {
	t := panel{head: []string{"AGENT", "STATE", "BUSY", "SLOTS", "SINCE", "ENVIRONMENTS"}}
	for _, a := range s.Agents {
		style := usual
		switch {
		case a.State == "away":
			style = bad
		case a.State == "drained":
			style = slow
		case a.Running == 0:
			style = faint
		}
		t.rows = append(t.rows, row{style, []string{
			cmp.Or(a.Name, a.Addr), a.State, bar(a.Running, a.Slots), fmt.Sprintf("%d/%d", a.Running, a.Slots),
			age(s.Now.Sub(a.Since)), strings.Join(a.Environments, " "),
		}})
	}
	return t
}

func running(s *snapshot) panel {
	t := panel{head: []string{"RUNNING", "TASK", "ENVIRONMENT", "AGENT", "FOR", "AT MOST", "LAUNCHER"}}
	for _, j := range s.RunningJobs {
		most, style := "", good
		if j.Max >= 0 {
			most = age(time.Duration(j.Max) * time.Second)
			if j.Seconds > float64(j.Max) {
				style = bad
			}
		}
		t.rows = append(t.rows, row{style, []string{j.Job, j.Info, j.Environment, j.Agent, seconds(j.Seconds), most, j.Launcher}})
	}
	return t.more(s.Running)
}

func waiting(s *snapshot) panel {
	t := panel{head: []string{"WAITING", "TASK", "ENVIRONMENT", "FOR", "LAUNCHER"}}
	for _, j := range s.WaitingJobs {
		t.rows = append(t.rows, row{slow, []string{j.Job, j.Info, j.Environment, seconds(j.Seconds), j.Launcher}})
	}
	return t.more(s.Waiting)
}

func ended(s *snapshot) panel {
	t := panel{head: []string{"ENDED", "TASK", "ENVIRONMENT", "AGENT", "STATUS", "TOOK", "AGO", "LAUNCHER"}}
	for _, j := range s.RecentJobs {
		style := faint
		if j.Status != "success" && j.Status != "failed" {
			style = bad
		}
		t.rows = append(t.rows, row{style, []string{
			j.Job, j.Info, j.Environment, j.Agent, j.Status, seconds(j.Ran), age(s.Now.Sub(j.Ended)), j.Launcher,
		}})
	}
	return t
}

// more says how many rows there are beyond those that the backend tells.
func (t panel) more(all int) panel {
	if n := all - len(t.rows); n > 0 && len(t.rows) > 0 {
		t.rows = append(t.rows, row{faint, []string{fmt.Sprintf("and %d more", n)}})
	}
	return t
}

// shorten takes rows from the longest panels until all fit into so many lines,
// each with a heading and a blank line above it.
func shorten(panels []panel, lines int) {
	for _, t := range panels {
		lines -= 2 + len(t.rows)
	}
	for ; lines < 0; lines++ {
		longest := 0
		for i := range panels {
			if len(panels[i].rows) >= len(panels[longest].rows) {
				longest = i
			}
		}
		if len(panels) == 0 || len(panels[longest].rows) < 2 {
			return // as it is; the end is cut off
		}
		t := &panels[longest]
		t.rows = t.rows[:len(t.rows)-1]
	}
}

// panel writes t with its columns below each other.
func (v view) panel(t panel) []string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(t.head, "\t"))
	for _, r := range t.rows {
		cells := make([]string, len(r.cells))
		for i, c := range r.cells {
			cells[i] = strings.Map(visible, c)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush() // into memory
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	for i := range lines {
		style := strong
		if i > 0 {
			style = t.rows[i-1].style
		}
		lines[i] = v.line(style, lines[i])
	}
	return lines
}

// line cuts a line to the width and gives it its style.
func (v view) line(style, text string) string {
	text = strings.TrimRight(strings.Map(visible, text), " ")
	if r := []rune(text); v.width > 0 && len(r) > v.width {
		text = string(r[:v.width])
	}
	if v.plain || style == usual {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// bar shows how many of all are taken.
func bar(taken, all int) string {
	const most = 20
	if all > most {
		taken, all = (taken*most+all-1)/all, most
	}
	all = max(all, 0)
	taken = min(max(taken, 0), all)
	return strings.Repeat("#", taken) + strings.Repeat(".", all-taken)
}

// age is a duration for people, in at most two units.
func age(d time.Duration) string {
	switch d = max(d, 0); {
	case d >= 24*time.Hour:
		return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// seconds is a short time for people.
func seconds(s float64) string {
	if s < 60 {
		return fmt.Sprintf("%.1fs", s)
	}
	return age(time.Duration(s * float64(time.Second)))
}
