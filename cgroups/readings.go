package cgroups

import "time"

// Readings of a group with all that it contains and contained.
type Readings struct {
	CPU        CPU
	Memory     int64        // bytes in use now
	MemoryPeak int64        // most bytes ever in use; 0: the kernel (before 5.19) does not say
	OOM        MemoryEvents // of the group and all beneath it
	Pids       int64        // processes and threads now
	PidsPeak   int64        // most at a time; 0: the kernel does not say
	PidsDenied int64        // forks refused by a limit
	IO         IO
}

// CPU is CPU time used.
type CPU struct {
	Usage, User, System time.Duration
	Throttled           time.Duration // kept waiting by a CPU limit
}

// MemoryEvents counts what happened at a memory limit.
type MemoryEvents struct {
	Max       int64 // a charge was held up by the limit
	OOM       int64 // memory could not be freed
	Kills     int64 // processes killed
	GroupKills int64 // groups killed as a whole
}

// IO sums over all devices.
type IO struct {
	ReadBytes, WrittenBytes int64
	Reads, Writes           int64
}
