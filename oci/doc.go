// Package oci builds OCI runtime specifications for grading and student
// containers.
//
// A specification is a value computed from values: nothing here reads a file, a
// clock or the environment, so equal arguments give equal specifications and
// golden files can hold them. What depends on the host (paths of mounts, its
// architecture, the runtime's version) is found elsewhere and passed in.
//
// [New] starts from a hardened base: private namespaces with a cgroup namespace
// and a network of its own that has only a loopback, Docker's capabilities
// less those nothing here needs, a system call filter, masked paths, no core
// dumps. Options change one thing each and may refuse. A check runs after them,
// so no order of options can weaken the box.
//
// # Shared by all
//
// The workers of all containers are one user to the kernel, as there are no user
// namespaces. What it counts by user on the whole machine is out of reach of a
// limit by user, or the first job to reach that would keep all others from it: the
// cgroup of each container holds it back. Open files are the exception: graders
// must be given more than students, see agent/grade. What no option bounds are
// instances and watches of inotify, watches of epoll, pages of pipes and contexts of
// asynchronous I/O, whose limits are the machine's to raise; ingot doctor tells how.
//
// Root is left for whoever prepares the root file system.
package oci
