package sched

import "time"

// Config is what the operator decides. [DefaultConfig] has good values.
type Config struct {
	// QueueLimit is how many jobs may wait. More are answered with a crash at
	// once. Zero: no limit.
	QueueLimit int
	// QueueBytes is how many bytes the jobs that wait may have, with all that is sent
	// on with them. More are answered as those over QueueLimit. Zero: no limit.
	QueueBytes int64
	// ClientLimit is how many jobs one client connection may have, waiting and
	// running. A webapp is one client for all its students. Zero: no limit.
	ClientLimit int
	// AgentGrace is how long an agent of this project may be away
	// before its jobs are taken from it. Zero: it is lost at once.
	AgentGrace time.Duration
	// EnvironmentGrace is how long clients are still offered an environment
	// whose last agent is gone. Zero: it is withdrawn at once.
	EnvironmentGrace time.Duration
	// Unrunnable is how long a job may wait while no agent at all has its
	// environment; then it is answered with a crash. Zero: for ever.
	Unrunnable time.Duration
	// MaxUnanswered is how many pings in a row an agent may leave without any
	// sign of life before it is dropped, at least one. One is sent per tick.
	MaxUnanswered int
	// RetryStarted gives a job that had started on a lost agent one more try
	// instead of a crash.
	RetryStarted bool
	// KeepOrphans lets a running job whose client is gone go on to its end.
	// Otherwise it is killed, which frees its slot.
	KeepOrphans bool
}

// DefaultConfig returns the configuration of a backend that was told nothing.
func DefaultConfig() Config {
	return Config{
		QueueLimit:       1_000_000,
		QueueBytes:       4 << 30,
		AgentGrace:       10 * time.Second,
		EnvironmentGrace: time.Minute,
		Unrunnable:       5 * time.Minute,
		MaxUnanswered:    6, // PROTOCOL.md 1.4
	}
}
