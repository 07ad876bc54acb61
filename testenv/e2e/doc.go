// Package e2e tests a whole agent and backend on real containers: what a webapp
// would get for a task, in every way that a task can end.
//
// The tests drive a backend over real sockets as a webapp does, with an agent
// on the tier's containerd. Natively they show everything but limits; in the
// disposable machine everything. Each test has a namespace, a state directory
// and a course of its own, and fails if anything is left of its containers.
package e2e
