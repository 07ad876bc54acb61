package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/ingot-grading/ingot/testenv/demo"
	"github.com/ingot-grading/ingot/testenv/images"
)

// parts is what was built for the demo.
type parts struct {
	dir   string // of our own, removed at the end
	bin   string // the programs
	tasks string // the course's directory
	table string // demo.yaml
	image string // archive of the demo image
}

// programs are those that run outside containers.
var programs = []string{"inginious-backend", "inginious-agent-containerd", "inginious-agent-mcq", "ingot"}

// build makes everything below dir. The working directory is in the module.
func build(ctx context.Context, dir string) (parts, error) {
	p := parts{
		dir: dir, bin: filepath.Join(dir, "bin"), tasks: filepath.Join(dir, "tasks"),
		table: filepath.Join(dir, "demo.yaml"), image: filepath.Join(dir, "images", images.DemoArchive),
	}
	args := []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", p.bin + "/"}
	for _, name := range programs {
		args = append(args, "github.com/ingot-grading/ingot/cmd/"+name)
	}
	goBuild := exec.CommandContext(ctx, "go", args...)
	goBuild.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := goBuild.CombinedOutput(); err != nil {
		return p, fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	if err := images.Build(ctx, filepath.Dir(p.image)); err != nil {
		return p, err
	}
	if err := demo.Install(p.tasks); err != nil {
		return p, err
	}
	return p, demo.WriteTable(p.table)
}
