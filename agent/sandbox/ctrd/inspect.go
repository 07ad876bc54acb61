package ctrd

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
)

// Details is what people ask of one image.
type Details struct {
	ID        string            // as in [sandbox.Image]; "" if the image is not made for this machine
	Given     map[string]string // labels that it was given in the store
	Size      int64             // bytes as they came, mostly compressed
	Platforms []string          // that it is made for, as "linux/amd64", sorted
	Missing   int               // parts of it that the store does not have
}

// Platform is what an image must be made for, as "linux/amd64".
func Platform() string { return platforms.Format(platforms.DefaultSpec()) }

// Inspect looks at an image by its Ref. One that is not there is of class
// [sandbox.ErrNoImage].
func (r *Runtime) Inspect(ctx context.Context, ref string) (Details, error) {
	rec, err := r.client.ImageService().Get(ctx, ref)
	if err != nil {
		return Details{}, fmt.Errorf("inspect image %s: %w", ref, noImage(err))
	}
	d, err := r.inspect(ctx, rec)
	if err != nil {
		return d, fmt.Errorf("inspect image %s: %w", ref, classify(err))
	}
	return d, nil
}

// Find is nil if there is an image of that Ref, whatever is wrong with it. One
// that is not there is of class [sandbox.ErrNoImage].
func (r *Runtime) Find(ctx context.Context, ref string) error {
	if _, err := r.client.ImageService().Get(ctx, ref); err != nil {
		return fmt.Errorf("find image %s: %w", ref, noImage(err))
	}
	return nil
}

func (r *Runtime) inspect(ctx context.Context, rec images.Image) (Details, error) {
	store, own := limited{r.client.ContentStore()}, platforms.Default()
	d := Details{Given: maps.Clone(rec.Labels)}
	made, err := images.Platforms(ctx, store, rec.Target)
	if err != nil {
		return d, fmt.Errorf("read platforms: %w", err)
	}
	for _, p := range made {
		d.Platforms = append(d.Platforms, platforms.Format(p))
	}
	slices.Sort(d.Platforms)
	img, err := r.load(ctx, rec)
	switch {
	case errdefs.IsNotFound(err):
		return d, nil
	case err != nil:
		return d, err
	}
	d.ID = img.ID
	if d.Size, err = rec.Size(ctx, store, own); err != nil {
		return d, fmt.Errorf("read size: %w", err)
	}
	_, _, _, missing, err := images.Check(ctx, r.client.ContentStore(), rec.Target, own)
	if err != nil {
		return d, fmt.Errorf("look for its parts: %w", err)
	}
	d.Missing = len(missing)
	return d, nil
}

// Version is that of containerd, as it says it.
func (r *Runtime) Version(ctx context.Context) (string, error) {
	v, err := r.client.Version(ctx)
	if err != nil {
		return "", fmt.Errorf("read version: %w", classify(err))
	}
	return v.Version, nil
}
