package native

import (
	"context"
	"io"
	"os/exec"

	"github.com/ingot-grading/ingot/testenv/apt"
)

// tools are the programs needed, with their Debian packages.
var tools = [...]struct{ program, pkg string }{
	{"containerd", "containerd"}, {"runc", "runc"}, {"crun", "crun"}, {"mke2fs", "e2fsprogs"},
}

// Install makes containerd, runc, crun and mke2fs available. Those that are on the PATH
// are taken as they are, whoever brought them; the others come from [apt.Ensure],
// whose output goes to log and whose error names what to install.
func Install(ctx context.Context, log io.Writer) error {
	var missing []string
	for _, t := range tools {
		if _, err := exec.LookPath(t.program); err != nil {
			missing = append(missing, t.pkg)
		}
	}
	return apt.Ensure(ctx, log, missing...)
}
