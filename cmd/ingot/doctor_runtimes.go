package main

import (
	"fmt"
	"regexp"
	"strconv"
)

// version is major, minor and patch.
type version [3]int

// parseVersion finds the first version in a text, as in "runc version
// 1.1.5+ds1" and "6.1.0-13-amd64".
func parseVersion(text string) (version, bool) {
	m := versionForm.FindStringSubmatch(text)
	if m == nil {
		return version{}, false
	}
	var v version
	for i := range v {
		v[i], _ = strconv.Atoi(m[i+1]) // digits or, for a patch that is not there, nothing
	}
	return v, true
}

var versionForm = regexp.MustCompile(`\b(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?`)

// below reports whether v is older than the given one.
func (v version) below(major, minor, patch int) bool {
	for i, least := range [3]int{major, minor, patch} {
		if v[i] != least {
			return v[i] < least
		}
	}
	return false
}

// hangs reports whether a runc of this version may hang when a container ends
// soon after its start (runc issue 5208).
func (v version) hangs() bool {
	return !v.below(1, 3, 0) && v.below(1, 3, 6) || !v.below(1, 4, 0) && v.below(1, 4, 2)
}

const (
	shim           = "containerd-shim-runc-v2"
	oldestRunc     = "1.1"
	oldestCrun     = "1.8"
	installRuntime = "install runc or crun"
)

// judgeRuntimes looks at runc, crun and the program that runs them.
func judgeRuntimes(found map[string]program) []finding {
	runc, crun := found["runc"], found["crun"]
	var all []finding
	if found[shim].path == "" {
		all = append(all, finding{warn, shim + " is not on PATH", "see that containerd finds it: it comes with containerd"})
	}
	if runc.path == "" && crun.path == "" {
		return append(all, finding{fail, "there is neither runc nor crun", installRuntime})
	}
	if crun.path != "" {
		all = append(all, judgeRuntime("crun", crun, oldestCrun))
	}
	if runc.path == "" {
		return all
	}
	f := judgeRuntime("runc", runc, oldestRunc)
	if v, known := parseVersion(runc.version); known && v.hangs() {
		f = finding{fail, runc.version + " can hang on containers that end soon", "upgrade to 1.3.6, 1.4.2 or newer, or use crun"}
		if crun.path != "" && crun.err == nil { // agents prefer it
			f.level = warn
		}
	}
	return append(all, f)
}

func judgeRuntime(name string, p program, oldest string) finding {
	v, known := parseVersion(p.version)
	least, _ := parseVersion(oldest)
	switch {
	case p.err != nil:
		return finding{fail, fmt.Sprintf("%s does not run: %v", p.path, p.err), "install it anew"}
	case !known:
		return finding{warn, fmt.Sprintf("%s tells no version but %q", p.path, p.version), "see that it is " + oldest + " or newer"}
	case v.below(least[0], least[1], least[2]):
		return finding{warn, p.version + " is older than what was tested", "use " + name + " " + oldest + " or newer"}
	}
	return finding{ok, p.version + " at " + p.path, ""}
}
