// Package ctrd implements [sandbox.Runtime] on containerd 1.6 and newer.
//
// # One container
//
// A container is four things in containerd, made in this order and removed in
// the reverse one:
//
//	record     what the container is; carries its labels
//	snapshot   its writable root file system, of the record's ID
//	FIFOs      its streams, in a directory of the record's ID
//	task       its process, under a shim
//
// The record comes first and goes last. So whatever a crash of this process
// leaves is found by [Runtime.Sweep] through the record's labels, and no lease
// is needed: containerd's garbage collector takes the record's reference to the
// snapshot for a root from the moment the snapshot exists.
//
// The calls go to containerd's services directly. The client's Container and
// Task would read the record, the specification and the snapshot's mounts again
// before each step; a life here is one call per thing made, started and removed.
//
// # Runtimes other than runc and crun
//
// Shims with a kernel of their own keep the same promises, with what is peculiar
// to them in handler.go: gVisor's must be told that its container is no part of
// another one, kills nothing before the start (the shim is killed then), and
// tells exit code 128 for a process that ended before it had asked, within some
// milliseconds after the start was answered. Whoever cares has to hear the code
// from the process itself. Devices are put into the specification here, by CDI.
//
// # Ends
//
// A goroutine per container asks containerd to wait for the exit, from before
// the start on, and asks again when containerd was restarted meanwhile. The
// event stream only hints: an exit event, or a new subscription, makes that
// goroutine look at the task's state, so an answer that got lost is found. One
// thing cannot be found: containerd from 1.7 on forgets, at its start, a task
// that ended while it was down. Such a container is told as lost, with its
// output complete.
//
// Clean-up never runs on its caller's context: a kill cancels that context, and
// what was made must go all the same. Each step has a bound instead
// (Config.Watchdog); beyond it the shim counts as hung and is killed, upon which
// containerd itself ends what the shim ran.
//
// # Streams
//
// The FIFOs are opened without blocking, by way of a second end that is held
// until the shim has its own. So no goroutine waits for a peer, reads and writes
// use Go's poller, and closing an end always frees whoever waits on it. An
// output that nobody reads is drained before the task is deleted, as the shim
// waits for its copiers.
package ctrd
