// Package vm runs a disposable Debian machine under QEMU: the place where
// cgroup v2 limits, OOM kills, systemd, containerd and eBPF are real whatever
// the host is.
//
// # Life of a machine
//
// Three things are made in turn, each from the one before, each only once:
//
//	image     a Debian disk, kernel and keys        about a minute     images/HASH/
//	snapshot  that disk booted, RAM saved to a file about half a minute images/HASH/booted-HASH/
//	machine   an overlay on the snapshot, restored  about two seconds   run/ID/
//
// HASH is over everything that made the thing, so a change of a script or of
// QEMU makes a new one and nothing is rebuilt that has not changed. Images and
// snapshots are made in a temporary directory and renamed when whole; they are
// never written to again. All of it lives under one cache directory, by
// default that of the user (ingot/vm), else $INGOT_VM_CACHE.
//
// A restored guest gets the host's clock and fresh entropy before anything
// else runs in it. If a restore fails the machine is booted from the image.
//
// # Who may be running
//
// A machine of Start ends with its context, its Stop, or this process,
// whichever comes first; the kernel sees to the last. A machine of Up is kept
// until Stop: there is at most one per cache, found again by Attach. Each QEMU
// holds a lock on its run directory, so a directory without a holder is rubbish
// and is removed by whoever starts next.
//
// # What the host needs
//
// QEMU 9 or later, and mmdebstrap and mke2fs to build an image. As root on a
// system with apt they are installed, without a lasting change of apt's
// configuration; else the error says what to install. The Debian mirror is
// read from apt's configuration, or from $INGOT_VM_MIRROR. KVM is used only if
// a guest has really run with it on this host; else the CPUs are emulated,
// about twenty times slower than native.
//
// # Tests in the machine
//
// Files of tests that need the machine carry the build constraint "vm", and
// each of their tests begins with tier.Require(t, tier.VM): see package tier.
// Test builds them on the host and runs them in the guest.
package vm
