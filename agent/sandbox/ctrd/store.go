package ctrd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/images/archive"
	"github.com/containerd/containerd/v2/pkg/archive/compression"
	"github.com/containerd/errdefs"
	"github.com/containerd/log"
	"github.com/sirupsen/logrus"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// Import reads images in from an OCI or Docker archive, which gzip or zstd may
// have compressed, unpacks them and returns their Refs. One that the archive does
// not name, or only by a tag, gets a Ref made of its digest; one whose Ref is taken
// replaces the image there.
//
// It sends the blobs to containerd's content store, which every containerd has:
// the transfer service would save no copy for a local archive, and 1.6 lacks it.
func (r *Runtime) Import(ctx context.Context, archived io.Reader) ([]string, error) {
	plain, err := compression.DecompressStream(archived)
	if err != nil {
		return nil, fmt.Errorf("import images: %w: %w", sandbox.ErrBadRequest, err)
	}
	defer plain.Close()
	found, err := r.client.Import(ctx, plain,
		client.WithImageRefTranslator(moreThanTag),
		client.WithDigestRef(archive.DigestTranslator("ingot")),
		client.WithSkipDigestRef(func(name string) bool { return name != "" }))
	if err != nil {
		return nil, fmt.Errorf("import images: %w", classify(err))
	}
	refs := make([]string, 0, len(found))
	for _, rec := range found {
		if err := r.unpack(quiet(ctx), rec); err != nil {
			return refs, fmt.Errorf("import image: %w", classify(err))
		}
		refs = append(refs, rec.Name)
	}
	return refs, nil
}

// moreThanTag is an image's name in an OCI archive, or "" for a tag alone: as
// "latest", the next archive's image would take the place of this one's.
func moreThanTag(name string) string {
	if !strings.ContainsAny(name, "/:@") {
		return ""
	}
	return name
}

// Pull fetches an image from its registry, as anyone, and unpacks it. The labels
// that an image of that Ref was given stay.
func (r *Runtime) Pull(ctx context.Context, ref string) error {
	known, err := r.client.ImageService().Get(ctx, ref)
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("pull image %s: %w", ref, classify(err))
	}
	_, err = r.client.Pull(quiet(ctx), ref, client.WithPullUnpack, client.WithPullSnapshotter(r.cfg.Snapshotter),
		client.WithPullLabels(known.Labels))
	if err != nil {
		return fmt.Errorf("pull image %s: %w", ref, classify(err))
	}
	return nil
}

// quiet keeps the library from writing lines of its own to standard error, about
// what comes back as an error anyway.
func quiet(ctx context.Context) context.Context {
	own := logrus.New()
	own.SetOutput(io.Discard)
	return log.WithLogger(ctx, logrus.NewEntry(own))
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
