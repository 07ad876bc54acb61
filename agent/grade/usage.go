package grade

import (
	"cmp"
	"errors"
	"log/slog"
	"maps"
	"slices"

	"github.com/ingot-grading/ingot/cgroups"
	"github.com/ingot-grading/ingot/wire"
)

// maxListed is how many student containers a job's usage lists. A job can have
// thousands, one after the other.
const maxListed = 100

// measure takes the last readings, after the exit and before anything is
// removed. What student containers did does not count as the grader's.
func (j *job) measure(end *ending) {
	own := j.grader.measure(end)
	j.used.Containers = append([]wire.ContainerUsage{j.grader.used}, j.used.Containers...)
	j.blame(end.victim)
	j.measureNetwork()
	total, err := j.group.Read()
	if err != nil {
		j.log.Error("readings missing", "err", err)
		return
	}
	j.used.All = resourcesOf(total)
	if !own && j.students.made == 0 { // removed already; the job's group has counted it
		end.oomKill = killed(total)
	}
}

// list adds a student container to the job's usage.
func (j *job) list(c wire.ContainerUsage) {
	if len(j.used.Containers) == maxListed {
		j.used.Unlisted++
		return
	}
	j.used.Containers = append(j.used.Containers, c)
}

// survey lists the student containers that run although the grader has ended.
// What they used shows where the time of a job went that was stopped.
func (g *students) survey() {
	if !wire.WantsUsage(g.j.spec.InputData) {
		return
	}
	running := slices.SortedFunc(maps.Values(g.living), func(a, b *student) int { return cmp.Compare(a.number, b.number) })
	for _, s := range running {
		u := wire.ContainerUsage{Name: s.name, End: wire.EndRunning}
		if r, err := g.j.group.Child(s.name).Read(); err == nil { // else it is not there yet, or not any more
			u.Used = resourcesOf(r)
		}
		g.j.list(u)
	}
}

// blame keeps the first process of the job that was killed for want of memory.
func (j *job) blame(victim string) {
	if j.used.Victim == "" {
		j.used.Victim = victim
	}
}

// tell logs what came of the job and what it used, all its containers together.
func (j *job) tell(status string) {
	j.log.Info("job ended", "status", status, "took", j.used.Wall, consumption(j.used.All), phases(j.used.Phases))
}

// measure takes the last readings, after the exit and before anything is removed,
// completes end with them and tells what the container used. False if there are none.
func (b *box) measure(end *ending) bool {
	b.passed("draining")
	r, err := b.group.Read()
	if err != nil && !errors.Is(err, cgroups.ErrGone) {
		b.log.Error("readings missing", "err", err)
	}
	end.oomKill = killed(r)
	if end.oomKill {
		end.victim = b.victim()
	}
	b.used.Used, b.used.End, b.used.Code = resourcesOf(r), end.kind(), int64(end.code)
	b.metrics.container(b.used)
	b.log.Info("container ended", "end", b.used.End, "code", b.used.Code, consumption(b.used.Used), "pids_denied", r.PidsDenied,
		"victim", end.victim, phases(b.used.Phases))
	return err == nil
}

// victim names the first process that was killed for want of memory.
func (b *box) victim() string {
	if b.victims == nil {
		return ""
	}
	v, _, err := b.victims.Take(b.id)
	if err != nil {
		b.log.Error("victim of the OOM killer not named", "err", err)
	}
	return v.Name
}

// killed reports whether anything was killed for want of memory.
func killed(r cgroups.Readings) bool { return r.OOM.Kills > 0 || r.OOM.GroupKills > 0 }

func resourcesOf(r cgroups.Readings) wire.Resources {
	return wire.Resources{
		CPU: r.CPU.Usage, MemoryPeak: r.MemoryPeak, PidsPeak: r.PidsPeak, Read: r.IO.ReadBytes, Written: r.IO.WrittenBytes,
	}
}

// consumption and phases are parts of a line of the log.
func consumption(r wire.Resources) slog.Attr {
	return slog.GroupAttrs("", slog.Duration("cpu", r.CPU), slog.Int64("memory", r.MemoryPeak), slog.Int64("pids", r.PidsPeak),
		slog.Int64("read", r.Read), slog.Int64("written", r.Written))
}

func phases(passed []wire.Phase) slog.Attr {
	all := make([]slog.Attr, 0, len(passed))
	for _, p := range passed {
		all = append(all, slog.Duration(p.Name, p.Took))
	}
	return slog.GroupAttrs("phases", all...)
}
