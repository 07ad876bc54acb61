// Package sandboxtest keeps implementations of [sandbox.Runtime] honest.
//
// [Suite] is the conformance suite: what every caller may rely on, as tests. It
// runs programs by name: [Probe] is those programs for the fake, [Script] the
// same ones for a shell in a real container.
//
// [Fake] is a runtime in memory, for tests of those who use containers. A
// container is a goroutine that runs a [Program] of its image; streams are
// bounded pipes, as in the kernel. Everything waits on channels and condition
// variables only, so it works inside a testing/synctest bubble, where a program
// that sleeps costs no time and one that is left behind fails the test.
package sandboxtest
