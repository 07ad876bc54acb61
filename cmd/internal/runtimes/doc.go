// Package runtimes decides which OCI runtimes an agent offers: those that its
// operator chose with --runtime (PROTOCOL.md 8.2), else all that are installed.
// What an agent would offer is asked by other programs too.
//
// Of several runtimes for one environment type the first is offered
// (PROTOCOL.md 4.1). One that was chosen must be there; of the others, one that
// is not there is not offered, and with it no environment that needs it.
package runtimes
