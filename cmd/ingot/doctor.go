package main

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// doctorCmd looks at what a grader needs of its machine.
type doctorCmd struct {
	storeFlags `embed:""`
	Tmpdir     string `type:"path" default:"/var/lib/ingot" help:"Directory of the agent's running jobs (${default})."`
	Store      string `type:"path" default:"/var/lib/containerd" help:"Directory of containerd (${default})."`
}

// Run prints what it found. It ends with status 1 if no grader can work here.
func (c *doctorCmd) Run(ctx context.Context) error {
	return printFindings(os.Stdout, c.look(ctx).judge())
}

// facts is what there is on a machine, as far as a grader needs it.
type facts struct {
	root        bool
	kernel      string // release
	openat2     error
	overlay     bool     // the kernel knows it now
	loop        error    // not nil: there are no loop devices
	controllers []string // of cgroup v2
	cgroups     error    // not nil: there is no such hierarchy
	guards      error    // not nil: no programs guard jobs with a network, only netfilter
	victims     error    // not nil: nobody is named who is killed for want of memory
	containerd  string   // version
	unreachable error    // not nil: it cannot be used
	programs    map[string]program
	lacking     map[string]error // by optional runtime: what keeps it from being offered
	networks    error            // not nil: there are none for jobs
	shared      map[string]int64 // by the name of a limit that all jobs share
	disks       []disk
}

// program is something to be run.
type program struct {
	path    string // "" if it is not installed
	version string // the first line of what it says of itself
	err     error  // not nil: it cannot be run
}

// disk is the file system of a directory.
type disk struct {
	dir         string
	free, total uint64 // bytes
	inodes      uint64 // free
	err         error
}

// judge says what the facts mean, most basic first.
func (f facts) judge() []finding {
	var all []finding
	add := func(more ...finding) { all = append(all, more...) }
	if f.root {
		add(finding{ok, "this is root", ""})
	} else {
		add(finding{fail, "this is not root: containers cannot be made, and some of what follows may be wrong", "run it with sudo"})
	}
	add(judgeKernel(f.kernel))
	if f.openat2 != nil {
		add(finding{fail, fmt.Sprintf("the system call openat2 does not work: %v", f.openat2), "use Linux 5.10 or newer, and no system call filter that refuses it"})
	} else {
		add(finding{ok, "openat2 works", ""})
	}
	if f.overlay {
		add(finding{ok, "the kernel has overlay file systems", ""})
	} else {
		add(finding{warn, "the kernel does not have overlay file systems at the moment", "modprobe overlay, and name it in /etc/modules-load.d"})
	}
	add(judgeCgroups(f.controllers, f.cgroups)...)
	if f.guards != nil {
		add(finding{warn, fmt.Sprintf("what jobs with a network send is not counted, and only netfilter keeps them off this machine: %v", f.guards), "use Linux 5.9 or newer"})
	} else {
		add(finding{ok, "the kernel can keep jobs with a network off this machine", ""})
	}
	if f.victims != nil {
		add(finding{warn, fmt.Sprintf("who is killed for want of memory is not named: %v", f.victims), "use Linux 5.8 or newer"})
	} else {
		add(finding{ok, "the kernel can name who is killed for want of memory", ""})
	}
	if f.unreachable != nil {
		add(finding{fail, f.unreachable.Error(), ""})
	} else {
		add(finding{ok, "containerd " + f.containerd + " answers", ""})
	}
	add(judgeRuntimes(f.programs)...)
	add(judgeOptional(f.lacking)...)
	add(judgeBounds(f.programs["mke2fs"], f.loop))
	add(judgeNetworks(f.networks))
	add(judgeShared(f.shared))
	for _, d := range f.disks {
		add(d.judge())
	}
	return append(all, finding{ok, "multiple choice needs none of this: inginious-agent-mcq grades on any machine, inginious-agent-containerd --mcq here", ""})
}

// judgeBounds says whether jobs can be kept from filling the disk.
func judgeBounds(mke2fs program, loop error) finding {
	const without = "or run agents with --disk-limit 0, without a bound"
	switch {
	case mke2fs.path == "":
		return finding{fail, "mke2fs is not installed: agents cannot bound what jobs write to disk", "apt install e2fsprogs, " + without}
	case loop != nil:
		return finding{fail, fmt.Sprintf("there are no loop devices, with which agents bound what jobs write to disk: %v", loop), "modprobe loop, " + without}
	}
	return finding{ok, "what jobs write to disk can be bounded", ""}
}

func judgeNetworks(err error) finding {
	if err != nil {
		return finding{warn, strings.TrimSpace(err.Error()), "nothing has to be done if no task asks for a network or SSH"}
	}
	return finding{ok, "jobs can have networks: there are CNI plugins and iptables", ""}
}

func judgeKernel(release string) finding {
	v, known := parseVersion(release)
	switch {
	case !known:
		return finding{warn, fmt.Sprintf("the kernel's version %q tells nothing", release), "see that it is Linux 5.10 or newer"}
	case v.below(5, 10, 0):
		return finding{fail, "Linux " + release + " is too old", "use 5.10 or newer, better 5.19"}
	case v.below(5, 19, 0):
		return finding{warn, "Linux " + release + " does not tell how much memory jobs used at most", "use 5.19 or newer"}
	}
	return finding{ok, "Linux " + release, ""}
}

func judgeCgroups(have []string, err error) []finding {
	if err != nil {
		return []finding{{fail, err.Error(), "boot with the kernel option systemd.unified_cgroup_hierarchy=1"}}
	}
	var all []finding
	has := map[string]bool{}
	for _, c := range have {
		has[c] = true
	}
	for _, c := range []struct{ name, level, lack string }{
		{"memory", fail, "jobs cannot be kept from using all memory"},
		{"pids", fail, "jobs cannot be kept from making processes without end"},
		{"cpu", fail, "jobs cannot be limited to a share of a CPU"}, // agents insist on it
		{"io", warn, "what jobs read and write is not told, and agents refuse --max-io"},
	} {
		switch {
		case has[c.name]:
			all = append(all, finding{ok, "cgroup v2 has the controller " + c.name, ""})
		case c.level == fail:
			all = append(all, finding{fail, "cgroup v2 lacks the controller " + c.name + ": " + c.lack,
				"see that no version 1 hierarchy holds it (mount | grep cgroup), and that no kernel option disables it (cgroup_disable)"})
		default:
			all = append(all, finding{c.level, "cgroup v2 lacks the controller " + c.name + ": " + c.lack, ""})
		}
	}
	return all
}

func (d disk) judge() finding {
	const gib = 1 << 30
	if d.err != nil {
		return finding{warn, d.err.Error(), "see that there is room for jobs"}
	}
	free := fmt.Sprintf("%.1f of %.1f GiB free for %s", float64(d.free)/gib, float64(d.total)/gib, d.dir)
	switch {
	case d.free < gib:
		return finding{fail, free, "make room: jobs fail when it runs out"}
	case d.free < 5*gib || d.inodes < 50_000:
		return finding{warn, fmt.Sprintf("%s, %d files", free, d.inodes), "make room: images and jobs need some gigabytes"}
	}
	return finding{ok, free, ""}
}
