package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// What the agent stands on in its unit, and what would break it there.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile("inginious-agent-containerd.service")
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			settings[name] = value
		}
	}
	for name, want := range map[string]string{
		"Delegate":                 "cpu memory pids io", // else jobs have no limits
		"KillMode":                 "mixed",              // else jobs outlive the agent, or end before it
		"TasksMax":                 "infinity",           // else the processes of some jobs take those of the agent
		"OOMScoreAdjust":           "-900",               // else a machine without memory ends the agent before a job
		"NoNewPrivileges":          "yes",
		"RestartPreventExitStatus": "78", // a wrong setting; 2 is a panic
		"SystemCallArchitectures":  "native",
	} {
		if got := settings[name]; got != want {
			t.Errorf("%s=%s, want %s", name, got, want)
		}
	}
	for _, name := range []string{ // each gives the agent mounts that containerd does not see
		"PrivateTmp", "PrivateDevices", "PrivateMounts", "ProtectSystem", "ProtectHome", "ProtectKernelTunables", "ProtectKernelModules",
		"ProtectKernelLogs", "ProtectControlGroups", "ProtectProc", "ProcSubset", "ReadOnlyPaths", "ReadWritePaths", "InaccessiblePaths",
		"BindPaths", "TemporaryFileSystem", "RootDirectory", "RootImage", "DynamicUser", "PrivateUsers", "ProtectHostname", "ProtectClock",
	} {
		if value, ok := settings[name]; ok {
			t.Errorf("%s=%s is set", name, value)
		}
	}
	caps := strings.Fields(settings["CapabilityBoundingSet"])
	for _, name := range []string{"CAP_SYS_ADMIN", "CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_KILL", "CAP_SYS_RESOURCE"} {
		if !slices.Contains(caps, name) {
			t.Errorf("%s is missing", name)
		}
	}
	for _, name := range []string{"CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_BOOT", "CAP_SYS_TIME", "CAP_SYS_PACCT", "CAP_MAC_ADMIN", "CAP_SETUID"} {
		if slices.Contains(caps, name) || len(caps) == 0 {
			t.Errorf("%s is given", name)
		}
	}
}
