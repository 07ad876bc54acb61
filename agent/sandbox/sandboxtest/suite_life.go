package sandboxtest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

func testExitCodes(f *fixture) {
	for _, code := range []uint32{0, 1, 42, 255} {
		c := f.start("exit", strconv.Itoa(int(code)))
		if e := f.exit(c); !f.isCode(e, code) || e.At.IsZero() {
			f.Errorf("exit %d at %v, want %d at some time", e.Code, e.At, code)
		}
		f.must(c.Delete(f.ctx))
	}
}

func testExitOnce(f *fixture) {
	c, err := f.Runtime.Create(f.ctx, f.spec("exit", "7"))
	f.must(err)
	if pid := c.PID(); pid != 0 {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d/ns/net", pid)); err != nil {
			f.Errorf("the process is not there before its start: %v", err)
		}
	}
	f.must(c.Start(f.ctx))
	f.wantExit(c, 7)
	f.wantClosed(c)
	f.must(c.Delete(f.ctx))
	f.wantClosed(c)
}

func testOutputs(f *fixture) {
	c := f.start("say", "to stdout", "to stderr")
	f.wantOutput(c, "to stdout", "to stderr")
	f.wantExit(c, 0)
	f.must(c.Delete(f.ctx))

	const much = 5<<20 + 1 // many pipes full
	c = f.start("flood", strconv.Itoa(much), strconv.Itoa(much-1))
	f.wantFlood(c, much, much-1)
	f.wantExit(c, 0)
	f.must(c.Delete(f.ctx))
}

// What a process wrote before it ended is there after its end: a grader's
// result often is its last bytes.
func testLateOutput(f *fixture) {
	const fits = 60000 // into a pipe that nobody reads
	c := f.start("flood", strconv.Itoa(fits), strconv.Itoa(fits))
	f.wantExit(c, 0)
	f.wantFlood(c, fits, fits)
	f.must(c.Delete(f.ctx))
}

func testStdin(f *fixture) {
	c := f.start("cat")
	text := strings.Repeat("to be echoed ", 30000) // more than all pipes on the way hold
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := c.Stdio().Stdin.Write([]byte(text)); err != nil {
			f.Error(err)
		}
		if err := c.Stdio().Stdin.Close(); err != nil {
			f.Error(err)
		}
	})
	f.wantOutput(c, text, "")
	wg.Wait()
	f.wantExit(c, 0)
	f.must(c.Delete(f.ctx))
}

func testEarlyStdinEnd(f *fixture) {
	c := f.create("cat")
	_, err := c.Stdio().Stdin.Write([]byte("early"))
	f.must(err)
	f.must(c.Stdio().Stdin.Close())
	f.must(c.Start(f.ctx))
	f.wantOutput(c, "early", "")
	f.wantExit(c, 0)
	f.must(c.Delete(f.ctx))
}

func testKill(f *fixture) {
	c := f.start("hang")
	f.must(c.Kill(f.ctx))
	f.wantExit(c, killedCode)
	f.wantOutput(c, "", "") // both end
	f.must(c.Delete(f.ctx))
}

func testKillBeforeStart(f *fixture) {
	c := f.create("exit", "0")
	f.must(c.Kill(f.ctx))
	f.must(c.Kill(f.ctx))
	if err := c.Start(f.ctx); err == nil {
		f.Error("a killed container was started")
	}
	f.must(c.Delete(f.ctx))
	f.wantClosed(c)
}

func testKillAfterExit(f *fixture) {
	c := f.start("exit", "3")
	f.wantExit(c, 3)
	f.must(c.Kill(f.ctx))
	f.must(c.Delete(f.ctx))
	f.must(c.Kill(f.ctx))
}

func testStartOnce(f *fixture) {
	c := f.start("hang")
	f.wantClass(c.Start(f.ctx), sandbox.ErrBadRequest)
	f.must(c.Kill(f.ctx))
	f.wantExit(c, killedCode)
	f.wantClass(c.Start(f.ctx), sandbox.ErrBadRequest)
	f.must(c.Delete(f.ctx))
	f.wantClass(c.Start(f.ctx), sandbox.ErrBadRequest)
}

func testDeleteBeforeStart(f *fixture) {
	c := f.create("exit", "0")
	f.must(c.Delete(f.ctx))
	f.must(c.Delete(f.ctx))
	f.wantClosed(c)
}

func testDeleteRunning(f *fixture) {
	c := f.start("hang")
	var wg sync.WaitGroup
	for range 3 { // callers need not agree who does it
		wg.Go(func() {
			if err := c.Delete(f.ctx); err != nil {
				f.Error(err)
			}
		})
	}
	wg.Wait()
	f.wantExit(c, killedCode)
	f.wantClosed(c)
}

// An output that nobody drains must not hold up a teardown.
func testDeleteUnread(f *fixture) {
	c := f.start("flood", "100000000", "0")
	buf := make([]byte, 1)
	_, err := c.Stdio().Stdout.Read(buf) // the flood runs
	f.must(err)
	f.must(c.Delete(f.ctx))
	if _, err := c.Stdio().Stdout.Read(buf); err == nil {
		f.Error("a deleted container's output can be read")
	}
}

// Nor a writer whose input nobody reads.
func testDeleteUnfed(f *fixture) {
	c := f.start("hang")
	wrote := make(chan error, 1)
	go func() {
		_, err := c.Stdio().Stdin.Write(make([]byte, 10<<20))
		wrote <- err
	}()
	f.must(c.Delete(f.ctx))
	select {
	case err := <-wrote:
		if err == nil {
			f.Error("ten megabytes fitted into a pipe")
		}
	case <-f.ctx.Done():
		f.Fatal("a writer hangs on a deleted container's input")
	}
}

func testMany(f *fixture) {
	var wg sync.WaitGroup
	specs := make([]sandbox.Spec, 8)
	for i := range specs {
		specs[i] = f.spec("exit", strconv.Itoa(i))
	}
	for i, s := range specs {
		wg.Go(func() {
			c, err := f.Runtime.Create(f.ctx, s)
			if err != nil {
				f.Error(err)
				return
			}
			if err := c.Start(f.ctx); err != nil {
				f.Error(err)
			} else if e := <-c.Exited(); e.Err != nil || !f.isCode(e, uint32(i)) {
				f.Errorf("exit %+v, want code %d", e, i)
			}
			if err := c.Delete(f.ctx); err != nil {
				f.Error(err)
			}
		})
	}
	wg.Wait()
}
