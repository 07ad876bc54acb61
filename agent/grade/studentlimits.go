package grade

import (
	"time"

	"github.com/ingot-grading/ingot/wire/grading"
)

// forStudent are the limits of a student container of a grader with limits l:
// never more than the grader's own, and those where none is asked for
// (PROTOCOL.md 4.7).
func (l limits) forStudent(r *grading.RunStudent) limits {
	return limits{
		cpu:    least(l.cpu, seconds(r.TimeLimit)),
		wall:   least(l.wall, seconds(r.HardLimit)),
		memory: least(l.memory, mebibytes(r.MemoryLimit)),
	}
}

func least[T int64 | time.Duration](own, asked T) T {
	if asked <= 0 {
		return own
	}
	return min(own, asked)
}

// studentFiles is the limit of open files in student containers where graders
// have that of all. It is also how many files of theirs may be on their way
// through sockets, and those the kernel counts by user on the whole machine: the
// students' must leave graders enough, who hand files to run_student.
func studentFiles(all uint64) uint64 { return max(all/4, min(all, 256)) }
