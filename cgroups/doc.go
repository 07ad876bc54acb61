// Package cgroups makes, limits, reads, kills and removes groups of the cgroup
// v2 hierarchy.
//
// A [Parent] is the tree that the agent owns. Each job has a [Group] beneath it,
// made before its first container and removed after its last, so that one
// budget holds for all its containers, one kill ends them, and readings stay
// when a container is gone. The containers' own groups are made by the OCI
// runtime as children of the job's group: [Group.Child] names them.
//
// Readings are values. A group that does not exist, or not any more, is a normal
// answer: [ErrGone].
package cgroups
