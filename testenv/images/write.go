package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Names of the archives that [WriteAll] makes, and of the environments in them.
const (
	DemoArchive  = "demo.tar"      // environment "demo": busybox and ingot-init
	BareArchive  = "demo-bare.tar" // environment "demo-bare": busybox alone, to be injected
	PlainArchive = "plain.tar"     // no labels, busybox alone
)

// Refs of the images in the archives.
const (
	DemoRef  = "ingot.test/demo:latest"
	BareRef  = "ingot.test/demo-bare:latest"
	PlainRef = "ingot.test/plain:latest"
)

// WriteAll writes the three archives to dir, which is made if need be.
func WriteAll(ctx context.Context, dir string, p Parts) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write images: %w", err)
	}
	bare := Parts{Busybox: p.Busybox, Extra: p.Extra}
	for _, i := range []struct {
		file, ref, name string
		parts           Parts
	}{
		{DemoArchive, DemoRef, "demo", p},
		{BareArchive, BareRef, "demo-bare", bare},
		{PlainArchive, PlainRef, "", bare},
	} {
		im, err := Demo(ctx, i.ref, i.name, i.parts)
		if err != nil {
			return err
		}
		if err := im.writeFile(filepath.Join(dir, i.file)); err != nil {
			return err
		}
	}
	return nil
}

func (im Image) writeFile(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write images: %w", err)
	}
	return errors.Join(im.Write(f), f.Close())
}
