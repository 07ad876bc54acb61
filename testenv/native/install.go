package native

import (
	"context"
	"io"
	"os/exec"
	"slices"

	"github.com/ingot-grading/ingot/testenv/apt"
)

// tools are the programs needed; each is also the name of its Debian package.
var tools = [...]string{"containerd", "runc", "crun"}

// Install makes containerd, runc and crun available. Those that are on the PATH
// are taken as they are, whoever brought them; the others come from [apt.Ensure],
// whose output goes to log and whose error names what to install.
func Install(ctx context.Context, log io.Writer) error {
	missing := slices.DeleteFunc(slices.Clone(tools[:]), func(name string) bool {
		_, err := exec.LookPath(name)
		return err == nil
	})
	return apt.Ensure(ctx, log, missing...)
}
