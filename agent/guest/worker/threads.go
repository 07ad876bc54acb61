package worker

import (
	"runtime"
	"sync"
)

// threads is how many are needed at a time.
const threads = 8

// WarmUp starts the threads that this process will need. The Go runtime dies if it cannot
// start one, and a script that forks without end leaves no room for any.
func WarmUp() {
	var ready, done sync.WaitGroup
	ready.Add(threads)
	for range threads {
		done.Go(func() {
			runtime.LockOSThread() // so that each has a thread for itself
			defer runtime.UnlockOSThread()
			ready.Done()
			ready.Wait()
		})
	}
	done.Wait()
}
