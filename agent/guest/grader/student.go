package grader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/ingot-grading/ingot/agent/guest/student"
)

// Student is a program to run in a student container.
type Student struct {
	// Args are the program and its arguments, each passed as it is.
	Args []string
	// Stdin is what the program reads; nil is nothing.
	Stdin io.Reader
	// Container is the environment; "" is that of the grader.
	Container string
	// Time and HardTime are seconds of CPU and wall clock time, Memory is MiB; 0
	// is what the grader itself has.
	Time, HardTime, Memory int64
	// ShareNetwork joins the grader's network.
	ShareNetwork bool
	// Teardown is a command line that runs in the container at the end.
	Teardown string
}

// Output is how a program ended.
type Output struct {
	Stdout, Stderr string
	// Code is the exit code; 252 if the memory was not enough, 253 if the time
	// was not, 254 if there was no container (PROTOCOL.md 5.8).
	Code int
}

// Run runs a program and keeps what it prints. Input and output of any size flow
// at the same time. The error says why there was no container, or that ctx ended.
func (g *Grader) Run(ctx context.Context, s Student) (Output, error) {
	return s.run(ctx, student.Sockets)
}

func (s Student) run(ctx context.Context, sockets string) (Output, error) {
	dir, err := os.Getwd()
	if err != nil {
		return Output{Code: student.Failed}, fmt.Errorf("run a student's program: %w", err)
	}
	req := student.Request{
		Time: s.Time, HardTime: s.HardTime, Memory: s.Memory, ShareNetwork: s.ShareNetwork,
		Command: Quote(s.Args...), Teardown: s.Teardown, Dir: dir,
	}
	if s.Container != "" {
		req.Container = &s.Container
	}
	var ours, theirs [3]*os.File
	for i := range ours {
		if ours[i], theirs[i], err = os.Pipe(); err != nil {
			return Output{Code: student.Failed}, errors.Join(err, closeAll(ours), closeAll(theirs))
		}
	}
	ours[0], theirs[0] = theirs[0], ours[0]
	var flows sync.WaitGroup
	var stdout, stderr bytes.Buffer
	go func() { // not waited for: Stdin may never end
		if s.Stdin != nil {
			_, _ = io.Copy(ours[0], s.Stdin) // a program need not read all of it
		}
		ours[0].Close()
	}()
	var lost [2]error
	flows.Go(func() { _, lost[0] = io.Copy(&stdout, ours[1]) })
	flows.Go(func() { _, lost[1] = io.Copy(&stderr, ours[2]) })
	code, err := req.Run(ctx, sockets, theirs, nil)
	err = errors.Join(err, closeAll(theirs)) // ends the flows: the container is gone
	flows.Wait()
	err = errors.Join(err, lost[0], lost[1], closeAll(ours))
	return Output{stdout.String(), stderr.String(), code}, err
}

func closeAll(files [3]*os.File) (err error) {
	for _, f := range files {
		if f == nil {
			continue
		}
		if e := f.Close(); e != nil && !errors.Is(e, os.ErrClosed) && !errors.Is(e, syscall.EBADF) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// Quote makes a command line of words, for those who split it again: run_student
// and its setup and teardown scripts.
func Quote(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}
