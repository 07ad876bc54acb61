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
package cgroups
