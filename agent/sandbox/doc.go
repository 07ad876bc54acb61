// Package sandbox is the port to a container runtime: the types that those who
// decide about containers share with those who run them, and nothing else.
//
// agent/sandbox/ctrd implements [Runtime] on containerd; agent/sandbox/sandboxtest
// has a fake of it and the conformance suite that both pass.
package sandbox
