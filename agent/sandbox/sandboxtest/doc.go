// Package sandboxtest keeps implementations of [sandbox.Runtime] honest.
//
// [Suite] is the conformance suite: what every caller may rely on, as tests. It
// runs programs by name; [Probe] is those programs in Go. The same code is a
// function of the fake and, through [ProbeMain], the first process of a real
// container, so that both are asked the very same thing.
//
// [Fake] is a runtime in memory, for tests of those who use containers. A
// container is a goroutine that runs a [Program] of its image; streams are
// bounded pipes, as in the kernel. Everything waits on channels and condition
// variables only, so it works inside a testing/synctest bubble, where a program
// that sleeps costs no time and one that is left behind fails the test.
package sandboxtest
