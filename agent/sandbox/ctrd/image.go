package ctrd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"
	"github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// maxBlob bounds the manifests and configurations that are read: they are a
// stranger's, and real ones have a few kilobytes.
const maxBlob = 4 << 20

// image is what a configuration says, whatever refers to it.
type image struct {
	sandbox.Image        // without Ref
	chain         string // the snapshot of its unpacked layers
	record        images.Image
}

// named is the image under one of its names, the caller's to change. The labels
// of the store's record go over those of the image: an operator can set them
// without building it anew.
func (i *image) named(rec images.Image) sandbox.Image {
	named := i.Image
	named.Ref = rec.Name
	named.Labels = make(map[string]string, len(i.Labels)+len(rec.Labels))
	maps.Copy(named.Labels, i.Labels)
	maps.Copy(named.Labels, rec.Labels)
	named.Config.Env = slices.Clone(i.Config.Env)
	named.Config.Entrypoint = slices.Clone(i.Config.Entrypoint)
	named.Config.Cmd = slices.Clone(i.Config.Cmd)
	return named
}

// imageCache keeps images by the digest that they were found under. What a
// digest stands for never changes.
type imageCache struct {
	mu     sync.Mutex
	known  map[digest.Digest]*image
	unpack sync.Mutex // one at a time: a second would do the same work again
}

// Images implements [sandbox.Runtime]. One that cannot be read is logged and
// left out.
func (r *Runtime) Images(ctx context.Context, label string) ([]sandbox.Image, error) {
	records, err := r.client.ImageService().List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list images: %w", classify(err))
	}
	r.images.keep(records)
	var found []sandbox.Image
	for _, rec := range records {
		img, err := r.load(ctx, rec)
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return nil, fmt.Errorf("list images: %w", cause)
			}
			r.cfg.Log.Warn("image left out", "image", rec.Name, "error", err)
			continue
		}
		named := img.named(rec)
		if _, ok := named.Labels[label]; ok || label == "" {
			found = append(found, named)
		}
	}
	slices.SortStableFunc(found, func(a, b sandbox.Image) int { return b.Created.Compare(a.Created) })
	return found, nil
}

// keep forgets all images but those of records.
func (c *imageCache) keep(records []images.Image) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := make(map[digest.Digest]*image, len(records))
	for _, rec := range records {
		if img := c.known[rec.Target.Digest]; img != nil {
			kept[rec.Target.Digest] = img
		}
	}
	c.known = kept
}

// resolve finds the image that ref names now.
func (r *Runtime) resolve(ctx context.Context, ref string) (*image, error) {
	var img *image
	err := r.step(ctx, "resolve image", func(ctx context.Context) error {
		rec, err := r.client.ImageService().Get(ctx, ref)
		if err == nil {
			img, err = r.load(ctx, rec)
		}
		return err
	})
	if err != nil {
		return nil, noImage(err)
	}
	return img, context.Cause(ctx)
}

// noImage classifies an error of an image that was asked for by its Ref.
func noImage(err error) error {
	if errdefs.IsNotFound(err) {
		return fmt.Errorf("%w: %w", sandbox.ErrNoImage, err)
	}
	return classify(err)
}

// load reads what is to be known of an image, once.
func (r *Runtime) load(ctx context.Context, rec images.Image) (*image, error) {
	r.images.mu.Lock()
	img := r.images.known[rec.Target.Digest]
	r.images.mu.Unlock()
	if img != nil {
		return img, nil
	}
	provider := limited{r.client.ContentStore()}
	manifest, err := images.Manifest(ctx, provider, rec.Target, platforms.Default())
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	blob, err := content.ReadBlob(ctx, provider, manifest.Config)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	var conf v1.Image
	if err := json.Unmarshal(blob, &conf); err != nil {
		return nil, fmt.Errorf("decode configuration: %w", err)
	}
	img = &image{
		Image: sandbox.Image{
			ID:      manifest.Config.Digest.String(),
			Created: newest(conf.History),
			Labels:  conf.Config.Labels,
			Config: sandbox.Config{
				Env:        conf.Config.Env,
				Entrypoint: conf.Config.Entrypoint,
				Cmd:        conf.Config.Cmd,
				WorkingDir: conf.Config.WorkingDir,
				User:       conf.Config.User,
			},
		},
		chain:  identity.ChainID(conf.RootFS.DiffIDs).String(),
		record: rec,
	}
	r.images.mu.Lock()
	defer r.images.mu.Unlock()
	if r.images.known == nil {
		r.images.known = make(map[digest.Digest]*image)
	}
	r.images.known[rec.Target.Digest] = img
	return img, nil
}

// newest is when the last step of a history was made; zero if it does not say
// (PROTOCOL.md 4.2).
func newest(history []v1.History) time.Time {
	if n := len(history); n > 0 && history[n-1].Created != nil {
		return *history[n-1].Created
	}
	return time.Time{}
}

// limited is a provider of small blobs only.
type limited struct{ content.Provider }

// ReaderAt implements [content.Provider].
func (l limited) ReaderAt(ctx context.Context, desc v1.Descriptor) (content.ReaderAt, error) {
	r, err := l.Provider.ReaderAt(ctx, desc)
	if err != nil {
		return nil, err
	}
	if size := r.Size(); size > maxBlob {
		return nil, errors.Join(fmt.Errorf("%s has %d bytes: %d are the most", desc.Digest, size, maxBlob), r.Close())
	}
	return r, nil
}

// prepare makes a writable snapshot of an image, and unpacks the image if nobody has.
func (r *Runtime) prepare(ctx context.Context, id string, img *image) (mounts []mount.Mount, err error) {
	try := func() error {
		return r.step(ctx, "prepare snapshot", func(ctx context.Context) error {
			mounts, err = r.snapshots.Prepare(ctx, id, img.chain)
			return err
		})
	}
	err = try()
	if errdefs.IsNotFound(err) {
		if err = r.unpack(ctx, img.record); err == nil {
			err = try()
		}
	}
	if errdefs.IsNotFound(err) {
		err = noImage(err) // it has gone since it was resolved
	}
	return mounts, err
}

// unpack makes the snapshots of an image's layers. It may take long, and ends with ctx.
func (r *Runtime) unpack(ctx context.Context, rec images.Image) error {
	r.images.unpack.Lock()
	defer r.images.unpack.Unlock()
	if err := client.NewImage(r.client, rec).Unpack(ctx, r.cfg.Snapshotter); err != nil {
		return fmt.Errorf("unpack image %s: %w", rec.Name, errors.Join(context.Cause(ctx), err))
	}
	return nil
}
