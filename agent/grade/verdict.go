package grade

import (
	"errors"

	"github.com/ingot-grading/ingot/agent"
	"github.com/ingot-grading/ingot/agent/watch"
	"github.com/ingot-grading/ingot/wire"
)

// ending is all that is known of a container when it has ended.
type ending struct {
	cause   error  // why it was stopped; nil if it ended by itself
	lost    error  // the runtime lost it: nobody knows how it ended
	oomKill bool   // its cgroup counted an OOM kill
	victim  string // the name of the first process killed so; "" if nobody knows
	code    uint32 // of its process
}

// timedOut reports whether a limit of time ended the container.
func (e ending) timedOut() bool {
	return errors.Is(e.cause, watch.ErrCPUTime) || errors.Is(e.cause, watch.ErrWallTime)
}

// kind is the end for those who want to know what a container used.
func (e ending) kind() wire.End {
	switch {
	case errors.Is(e.cause, agent.ErrKilled):
		return wire.EndKilled
	case e.oomKill:
		return wire.EndOverflow
	case e.timedOut():
		return wire.EndTimeout
	case e.cause != nil:
		return wire.EndKilled
	case e.lost != nil:
		return wire.EndLost
	}
	return wire.EndExited
}

// forced is the status of a job that did not end by itself, and its text. An
// empty status means that the grader's own result is to speak. Its exit code
// says nothing (PROTOCOL.md 4.9).
//
// A kill by the client wins over everything, as the client expects it. Memory
// wins over time: what is out of memory often spends its last seconds fighting
// for it.
func forced(e ending) (status, text string) {
	switch {
	case errors.Is(e.cause, agent.ErrKilled):
		return "killed", ""
	case e.oomKill:
		return "overflow", ""
	case e.timedOut():
		return "timeout", ""
	case errors.Is(e.cause, agent.ErrStopping):
		return "crash", agent.TextStopping
	case e.cause != nil:
		return "crash", textOf(e.cause)
	case e.lost != nil:
		return "crash", ""
	}
	return "", ""
}

// Exit codes of run_student that are not the command's own (PROTOCOL.md 5.8).
const (
	retvalLost     = -1
	retvalNoRoot   = 251 // root was asked for on a shared kernel
	retvalOverflow = 252
	retvalTimeout  = 253
	retvalRefused  = 254 // it could not be made or started
)

// codeForgotten is what gVisor's shim tells of a process that ended before it had
// begun to wait for it: it does so some milliseconds after the start is answered.
const codeForgotten = 128

// retval is what run_student returns for a student container that had started
// and ended so.
func retval(e ending) int64 {
	switch {
	case e.oomKill:
		return retvalOverflow
	case e.timedOut():
		return retvalTimeout
	case e.lost != nil:
		return retvalLost
	}
	return int64(e.code & 0xff)
}
