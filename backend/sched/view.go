package sched

// Running returns how many jobs are with agents.
func (s *State) Running() int { return len(s.jobs) - s.waiting }
