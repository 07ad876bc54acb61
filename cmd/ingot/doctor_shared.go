package main

import (
	"os"
	"strconv"
	"strings"
)

// Limits of the kernel that are one for all jobs, as their workers are one user,
// and that no option of a container divides.
const (
	watchers  = "fs.inotify.max_user_instances"
	watches   = "fs.inotify.max_user_watches"
	polls     = "fs.epoll.max_user_watches"
	pipePages = "fs.pipe-user-pages-soft"
	contexts  = "fs.aio-max-nr"
)

// sharedRules say what a job keeps others from that has used a limit up, and what
// is out of its reach. What it takes then counts as its memory.
var sharedRules = []struct {
	name, what string
	least      int64
	better     string
}{
	{watchers, "watching files", 1 << 16, "1048576"},
	// These two are a share of the machine's memory if nobody sets them: one job
	// with that much takes all.
	{watches, "watching many files", 1 << 28, "2147483647"},
	{polls, "epoll", 1 << 28, "2147483647"},
	{pipePages, "pipes of the usual size", 1 << 20, "0"}, // 0 is none
	{contexts, "asynchronous input and output", 1 << 20, "16777216"},
}

// sharedLimits reads those that the kernel has.
func sharedLimits() map[string]int64 {
	all := map[string]int64{}
	for _, r := range sharedRules {
		text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(r.name, ".", "/"))
		if n, bad := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && bad == nil {
			all[r.name] = n
		}
	}
	return all
}

// judgeShared says which limits one job can use up.
func judgeShared(have map[string]int64) finding {
	var kept, todo []string
	for _, r := range sharedRules {
		n, known := have[r.name]
		if known && n < r.least && strconv.FormatInt(n, 10) != r.better {
			kept, todo = append(kept, r.what), append(todo, r.name+"="+r.better)
		}
	}
	if len(kept) == 0 {
		return finding{ok, "no job can keep others from what all share", ""}
	}
	return finding{warn, "one job can keep others from " + strings.Join(kept, ", from "),
		"sysctl " + strings.Join(todo, " ") + ", and the same in /etc/sysctl.d: what jobs then take counts as their memory"}
}
