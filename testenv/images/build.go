package images

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Build builds ingot-init, finds a static busybox and writes the archives of
// [WriteAll] to dir. The working directory must be in the module.
func Build(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("build images: %w", err)
	}
	p := Parts{Init: filepath.Join(dir, "ingot-init")}
	if err := BuildInit(ctx, p.Init); err != nil {
		return err
	}
	busybox, err := FindBusybox(ctx, dir)
	if err != nil {
		return err
	}
	p.Busybox = busybox
	return WriteAll(ctx, dir, p)
}
