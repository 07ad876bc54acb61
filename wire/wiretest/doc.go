// Package wiretest helps to test what stands on the wire.
//
// A [Network] joins Routers and Dealers in memory, with the contracts of
// [wire.Router] and [wire.Dealer] and with failures on command: a link can be
// cut, stalled or partitioned, and an end can be killed. It uses channels and
// timers only, so it works inside a testing/synctest bubble, where its clock is
// the bubble's and a goroutine left behind fails the test.
//
// [Suite] is what every implementation of the two ends must pass, this one and
// wire/zmtp. It keeps the one in memory honest.
package wiretest
