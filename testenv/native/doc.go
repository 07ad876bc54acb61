// Package native runs tests on real containers on the host itself, beside
// whatever else the host does.
//
// [Enter] runs a command in namespaces of its own, as root:
//
//   - a process namespace, so that ending its first process ends containerd,
//     every shim and every container, whatever state they are in;
//   - a mount namespace with a memory file system on /run/containerd: the
//     daemon's state, its socket, the shims' sockets and the state of runc and
//     crun vanish with it and never touch the machine's own containerd;
//   - a cgroup of its own, mounted as the only cgroup v2 hierarchy, as crun
//     refuses hosts that mount both versions.
//
// Inside, a private containerd answers at the address in CONTAINERD_ADDRESS. The
// processes are
//
//	Enter ── init ── main ── containerd
//	                      └─ command
//
// where init is the first process of the namespace, and does nothing but mount,
// reap orphans (shims) and pass signals on.
//
// gVisor is there too, to be used with the configuration at [RunscConfig].
//
// This tier shows everything but limits: the host's hierarchy may lack the
// memory and pids controllers. [Start] also serves tests that need a containerd
// they can restart.
package native
