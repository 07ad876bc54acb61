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

// layout says where things are below dir.
func layout(dir string) parts {
	return parts{
		dir: dir, bin: filepath.Join(dir, "bin"), tasks: filepath.Join(dir, "tasks"),
		table: filepath.Join(dir, "demo.yaml"), image: filepath.Join(dir, "images", images.DemoArchive),
	}
}

// build makes everything. The working directory is in the module.
func (p parts) build(ctx context.Context) error {
	args := []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", p.bin + "/"}
	for _, name := range programs {
		args = append(args, "github.com/ingot-grading/ingot/cmd/"+name)
	}
	goBuild := exec.CommandContext(ctx, "go", args...)
	goBuild.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := goBuild.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	if err := images.Build(ctx, filepath.Dir(p.image)); err != nil {
		return err
	}
	if err := demo.Install(p.tasks); err != nil {
		return err
	}
	return demo.WriteTable(p.table)
}
