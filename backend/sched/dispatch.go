package sched

import "github.com/ingot-grading/ingot/wire"

// place gives j to an agent, or makes it wait at its place (PROTOCOL.md 2.3).
func (s *State) place(j *job) {
	j.topic = s.topic(j.Environment())
	j.phase, j.agent = waiting, nil
	s.outdate()
	if b, ok := j.topic.free.peek(); ok {
		a := b.offer.agent
		s.assign(a, j)
		s.bid(a)
		return
	}
	s.waiting++
	s.bytes += j.size
	j.topic.waiting.push(entry{j.Request.Priority, j.seq, j})
	j.topic.lanes[j.Lane()]++
}

// hasRoom reports whether j would be sent at once.
func (s *State) hasRoom(j *job) bool {
	t := s.topics[j.Environment()]
	return t != nil && len(t.free.items) > 0
}

// fill gives a the best jobs for its free slots.
func (s *State) fill(a *agent) {
	for a.free() > 0 {
		var best *topic
		var first entry
		for _, o := range a.offers {
			if e, ok := o.topic.waiting.peek(); ok && (best == nil || e.before(first)) {
				best, first = o.topic, e
			}
		}
		if best == nil {
			break
		}
		s.unqueue(first.job)
		s.assign(a, first.job)
	}
	s.bid(a)
}

// bid brings a's free slots up to date in its topics.
func (s *State) bid(a *agent) {
	free := a.free()
	turn := s.next()
	for _, o := range a.offers {
		switch b := (bid{free, turn, o}); {
		case free > 0 && o.freeAt >= 0:
			o.topic.free.set(o.freeAt, b)
		case free > 0:
			o.topic.free.push(b)
		case o.freeAt >= 0:
			o.topic.free.remove(o.freeAt)
		}
	}
}

// unqueue takes j out of those that wait.
func (s *State) unqueue(j *job) {
	j.topic.waiting.remove(j.waitsAt)
	j.topic.lanes[j.Lane()]--
	s.waiting--
	s.bytes -= j.size
	s.outdate()
}

// assign sends j to a. The caller has seen that a has a free slot.
func (s *State) assign(a *agent, j *job) {
	k := j.nameFor(a)
	if a.jobs[k] != nil { // of another old client: this agent could not tell them apart
		s.finish(j, EndClash, j.result("crash", textDuplicate, wire.Nullable{}))
		return
	}
	a.jobs[k] = j
	j.phase, j.agent, j.as, j.turn, j.began = sent, a, k, s.next(), s.now
	s.sendJob(j)
	s.emit(JobSent{&j.Job, a.name, s.now.Sub(j.Accepted)})
}

func (s *State) sendJob(j *job) {
	j.sends++
	r := j.Request
	s.emit(ToAgent{j.agent.peer, &wire.BackendNewJob{
		Client: j.as.routing(), JobID: j.as.id, CourseID: r.CourseID, TaskID: r.TaskID,
		TaskProblems: r.TaskProblems, InputData: r.InputData,
		EnvironmentType: r.EnvironmentType, Environment: r.Environment, Parameters: r.Parameters,
		Debug: r.Debug,
	}})
}

// release takes j from its agent, whose slot is then free.
func (s *State) release(j *job) {
	delete(j.agent.jobs, j.as)
	s.outdate()
}

// finish answers j and forgets it. The caller fills the slot that it leaves.
func (s *State) finish(j *job, end End, r wire.Result) {
	fact := JobEnded{Job: &j.Job, End: end, Status: clip(r.Status)}
	switch j.phase {
	case waiting:
		if j.waitsAt >= 0 {
			s.unqueue(j)
			s.show(j.topic)
		}
		fact.Waited = s.now.Sub(j.Accepted)
	case sent, started:
		s.release(j)
		fact.Agent, fact.Waited, fact.Ran = j.agent.name, j.began.Sub(j.Accepted), s.now.Sub(j.began)
	case ended:
		return
	}
	j.phase = ended
	delete(s.jobs, j.key)
	j.owner.remove(j)
	if !j.owner.gone {
		s.emit(ToClient{j.owner.peer, &wire.BackendJobDone{JobID: j.Request.JobID, Result: r}})
	}
	s.emit(fact)
}
