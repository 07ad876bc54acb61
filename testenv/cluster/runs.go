package cluster

import (
	"time"
)

// begin notes that a job begins to run at an agent, and returns what it does.
func (b *book) begin(at *Agent, job string) Work {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.busy[at]++; b.busy[at] > b.slots {
		b.fault("agent %s runs %d jobs and has %d slots", at.Name, b.busy[at], b.slots)
	}
	for _, r := range b.runs[job] {
		if !r.over && !b.givenUp(r) && !b.twin[r.agent] {
			b.fault("%s runs at %s while it runs at %s", job, at.Name, r.agent.Name)
		}
	}
	b.runs[job] = append(b.runs[job], &run{agent: at, began: time.Now()})
	return b.work[job]
}

// end notes that a job ended at an agent that lives.
func (b *book) end(at *Agent, job string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.runs[job] {
		if r.agent == at && !r.over {
			r.over = true
			b.busy[at]--
		}
	}
}

// died notes that nothing runs any more at an agent.
func (b *book) died(at *Agent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, runs := range b.runs {
		for _, r := range runs {
			r.over = r.over || r.agent == at
		}
	}
	delete(b.busy, at)
}

// twins notes that two agents have one identity.
func (b *book) twins(a, c *Agent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.twin[a], b.twin[c] = true, true
}

// outage notes that an agent can no longer be reached, or that it can.
func (b *book) outage(at *Agent, begins bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, list := time.Now(), b.outages[at]
	last := len(list) - 1
	switch {
	case !begins && last >= 0:
		list[last].to = now
	case begins && last >= 0 && now.Sub(list[last].to) < settle:
		list[last].to = time.Time{}
	case begins:
		b.outages[at] = append(list, outage{from: now})
	}
}

// givenUp reports whether the backend had reason to give up a run: its agent
// was out of reach for long enough since it began. The caller holds b.mu.
func (b *book) givenUp(r *run) bool {
	for _, o := range b.outages[r.agent] {
		to := o.to
		if to.IsZero() {
			to = time.Now()
		}
		if to.Add(settle).After(r.began) && to.Sub(o.from)+settle >= b.grace {
			return true
		}
	}
	return false
}
