// Package cgroups makes, limits, reads, kills and removes groups of the cgroup
// v2 hierarchy. There is no support for cgroup v1.
//
// A [Parent] is the tree that the agent owns. Each job has a [Group] beneath it,
// made before its first container and removed after its last, so that one
// budget holds for all its containers, one kill ends them, and readings stay
// when a container is gone:
//
//	/system.slice/inginious-agent-containerd.service   delegated by systemd
//	├── agent        the agent itself
//	└── jobs         the Parent
//	    └── j-1      a job's Group, limits of all together
//	        ├── c1   a container's group with its own limits, made by the OCI runtime
//	        └── c2
//
// Where systemd delegates nothing, the Parent is /ingot at the root of the
// hierarchy.
//
// Readings are values, taken by parsers that need no kernel. A group that does
// not exist, or not any more, is a normal answer: [ErrGone]. The last readings of
// a container are taken after its exit and before its deletion, those of a job
// before [Group.Remove].
//
// # Programs in the kernel
//
// A [Guard] keeps a job that has a network off the machine it runs on and off
// other jobs; it counts what is sent. Its programs and the rules they go by are
// loaded once, as [Guards]. Each guarded group has a number of its own in the
// rules, which makes guarding one cheap: it is attached and numbered. There are
// two walls: programs at connect and sendmsg give whoever asks a clear error, and
// one at each outgoing packet stops the rest. Connections are not tracked: a job
// cannot send the first packet of one to where it may not, so whatever else of
// TCP goes there answers a connection from there. Packet sockets and kernels of a
// container's own go around by both: rules on the jobs' bridge stop those.
//
// [Victims] names processes that the OOM killer ended, which the counters of a
// group do not.
//
// Both are extras: where the kernel or the process' capabilities do not allow
// them, jobs are graded without.
package cgroups
