// Package workspace prepares what a job sees of its course (PROTOCOL.md 4.4),
// without copying it, and removes all of it afterwards.
//
// The grader gets its task directory to write to: an overlay file system whose
// lower layer is the course's own directory, never changed, and whose upper
// layer belongs to the job. What the course shares is mounted as it is, to be
// bound read only; its part for students is an overlay, so that they lock and watch
// files of their job's. So the cost of a job does not grow with the size of its task.
// Only where the kernel refuses the overlay are files copied.
//
//	STATE/lock            stays, as it tells whose jobs is
//	STATE/jobs/ID         a mount of its own: one detach takes all that is below
//	├── task              for /task: the overlay
//	├── upper, work       its writable layer
//	├── sockets           for /sockets
//	├── common, student   for /course/common and its folder student
//	├── files             see Workspace.File
//	├── layers, own       see Workspace.Layer
//	└── pins              see Workspace.Pin
//
// # Trust
//
// The operator's tasks directory and the first folder of a course id are
// trusted: a symbolic link there may lead anywhere. What is in a course is its
// authors': links from a course, be it to a task or to $common, may not lead out
// of it. What is in a job's directories is the grader's and the students': no
// link of theirs is ever followed. All this is done with openat2 on file
// descriptors, so that nothing can be exchanged between a check and its use.
//
// Links inside a task are seen as they are and lead where they lead in the
// container.
//
// # Disk
//
// With a bound, a job's directory is a small file system of its own: ext4 on a
// loop device, in a file without a name in the state directory. Whoever fills it
// gets ENOSPC. It takes disk as it is written to, and is gone with its mount,
// whatever is in it: no removal depends on what students made. A fresh one costs
// a few blocks and a mount, as all are copies of one that was made at the start.
//
// There are two of them. In the second the grading container has its own root
// file system, where it writes what it makes of the submission: students who
// fill the first, which they share with /task, do not keep it from that.
//
// Without a bound, the directory is on the file system of the state directory.
//
// # Mounts
//
// The container runtime must see the mounts made here: the agent must not run in
// a mount namespace of its own (as PrivateTmp= or ProtectSystem= of a systemd unit
// make one). Linux 5.6 is needed, 5.11 or later is better.
package workspace
