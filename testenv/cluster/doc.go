// Package cluster runs a whole installation in memory: the real backend, real
// agents, and clients that behave as webapps do, joined by wire/wiretest. Only
// the executors are made up: their jobs take time and nothing else.
//
//	synctest.Test(t, func(t *testing.T) {
//		c := cluster.Start(t, cluster.Agents(3), cluster.Slots(2))
//		c.Submit(100, cluster.Sleep(30*time.Second))
//		time.Sleep(45 * time.Second)
//		c.Agent("a2").Kill()
//		c.WantEachJobDoneOnce()
//	})
//
// It must be started inside a bubble of testing/synctest. There an hour costs
// milliseconds, and a goroutine that any part leaves behind fails the test.
//
// Everything that happens is written into one book, which knows what may never
// happen, whatever breaks:
//
//   - A client that stays connected gets one result for each job it submitted,
//     and nothing about a job after its result.
//   - An agent never runs more jobs than it has slots.
//   - A job does not run at two agents at once, unless the first was away for
//     so long that it had to be given up.
//
// [Cluster.WantEachJobDoneOnce] waits for the results and reports what is wrong.
package cluster
