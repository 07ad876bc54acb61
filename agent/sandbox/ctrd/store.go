package ctrd

import (
	"context"
	"fmt"
	"io"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/images/archive"
	"github.com/containerd/errdefs"
)

// Import reads images in from an OCI or Docker archive, unpacks them and returns
// their Refs. One that the archive does not name gets a Ref made of its digest;
// one whose Ref is taken replaces the image there.
//
// It sends the blobs to containerd's content store, which every containerd has:
// the transfer service would save no copy for a local archive, and 1.6 lacks it.
func (r *Runtime) Import(ctx context.Context, archived io.Reader) ([]string, error) {
	found, err := r.client.Import(ctx, archived,
		client.WithDigestRef(archive.DigestTranslator("ingot")),
		client.WithSkipDigestRef(func(name string) bool { return name != "" }))
	if err != nil {
		return nil, fmt.Errorf("import images: %w", classify(err))
	}
	refs := make([]string, 0, len(found))
	for _, rec := range found {
		if err := r.unpack(ctx, rec); err != nil {
			return refs, fmt.Errorf("import image: %w", classify(err))
		}
		refs = append(refs, rec.Name)
	}
	return refs, nil
}

// Pull fetches an image from its registry, as anyone, and unpacks it. The labels
// that an image of that Ref was given stay.
func (r *Runtime) Pull(ctx context.Context, ref string) error {
	known, err := r.client.ImageService().Get(ctx, ref)
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("pull image %s: %w", ref, classify(err))
	}
	_, err = r.client.Pull(ctx, ref, client.WithPullUnpack, client.WithPullSnapshotter(r.cfg.Snapshotter),
		client.WithPullLabels(known.Labels))
	if err != nil {
		return fmt.Errorf("pull image %s: %w", ref, classify(err))
	}
	return nil
}

// Remove removes an image by its Ref. Containers made of it go on. It returns
// when the space is free; an image that is not there is of class [sandbox.ErrNoImage].
func (r *Runtime) Remove(ctx context.Context, ref string) error {
	err := r.client.ImageService().Delete(ctx, ref, images.SynchronousDelete())
	if err != nil {
		return fmt.Errorf("remove image %s: %w", ref, noImage(err))
	}
	return nil
}

// SetLabel gives an image a label that goes over the one it was built with, or
// takes it away again if value is "". It stays when the image is imported or
// pulled anew.
func (r *Runtime) SetLabel(ctx context.Context, ref, key, value string) error {
	_, err := r.client.ImageService().Update(ctx, images.Image{Name: ref, Labels: map[string]string{key: value}}, "labels."+key)
	if err != nil {
		return fmt.Errorf("label image %s: %w", ref, noImage(err))
	}
	return nil
}
