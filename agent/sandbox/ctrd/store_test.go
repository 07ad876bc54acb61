//go:build native || vm

package ctrd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/pkg/archive/compression"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// probeOutput runs a probe to its end and returns what it wrote.
func probeOutput(t *testing.T, r *Runtime, args ...string) (stdout, stderr string) {
	t.Helper()
	c := probe(t, r, sandbox.Handler{}, args...)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(c.Stdio().Stdout)
	serr, e := io.ReadAll(c.Stdio().Stderr)
	if err := errors.Join(err, e, c.Delete(t.Context())); err != nil {
		t.Fatal(err)
	}
	return string(out), string(serr)
}

// Each container has the image's files, and a copy of its own to write to.
func TestFreshRoot(t *testing.T) {
	r := withImage(t, connect(t, config(t)))
	for range 2 {
		if got, complaint := probeOutput(t, r, "read", probeFile); got != "from the image" {
			t.Errorf("read %q (%s), want the image's file", got, complaint)
		}
		if _, complaint := probeOutput(t, r, "write", probeFile); complaint != "" {
			t.Error(complaint)
		}
	}
}

func TestImages(t *testing.T) {
	r := withImage(t, connect(t, config(t)))
	later := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	drain(r)
	refs, err := r.Import(t.Context(), imageArchive(t, "", later))
	if err != nil || len(refs) != 1 || !strings.HasPrefix(refs[0], "ingot@sha256:") {
		t.Fatalf("imported %q, %v; want one by its digest", refs, err)
	}
	wantChange(t, r)
	spoilImage(t, r)

	list := func() []sandbox.Image {
		t.Helper()
		found, err := r.Images(t.Context(), probeLabel)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	found := list() // without the spoiled one
	if len(found) != 2 || found[0].Ref != refs[0] || found[1].Ref != probeImage {
		t.Fatalf("images %+v, want the newer first, then %s", found, probeImage)
	}
	img := found[0]
	if !img.Created.Equal(later) || img.Config.Cmd[0] != "probe" || img.Config.Env[0] != "PROBE=1" || img.ID == found[1].ID {
		t.Errorf("image %+v", img)
	}

	drain(r)
	if err := r.Remove(t.Context(), refs[0]); err != nil {
		t.Fatal(err)
	}
	wantChange(t, r)
	if found := list(); len(found) != 1 {
		t.Errorf("images %+v, want one", found)
	}
	if err := r.Remove(t.Context(), refs[0]); !errors.Is(err, sandbox.ErrNoImage) {
		t.Errorf("removed again: %v, want ErrNoImage", err)
	}
	for _, name := range []string{"bad", "gone"} { // what cannot be used can be removed
		if err := errors.Join(r.Find(t.Context(), name), r.Remove(t.Context(), name)); err != nil {
			t.Error(err)
		}
		if err := r.Find(t.Context(), name); !errors.Is(err, sandbox.ErrNoImage) {
			t.Errorf("found %q again: %v, want ErrNoImage", name, err)
		}
	}
}

// Archives come as they are or compressed, and nothing is imported of a broken one.
func TestImport(t *testing.T) {
	r := withImage(t, connect(t, config(t)))
	whole, err := io.ReadAll(imageArchive(t, "", time.Unix(2e9, 0)))
	if err != nil {
		t.Fatal(err)
	}
	packed := func(how compression.Compression) []byte {
		var b bytes.Buffer
		w, err := compression.CompressStream(&b, how)
		if err == nil {
			_, err = w.Write(whole)
		}
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	gzip, zstd := packed(compression.Gzip), packed(compression.Zstd)
	for name, c := range map[string]struct {
		archive []byte
		good    bool
	}{
		"as it is": {whole, true}, "gzip": {gzip, true}, "zstd": {zstd, true},
		"nothing": {nil, false}, "text": {[]byte("no archive"), false}, "zeros": {make([]byte, 1<<20), false},
		"cut": {whole[:len(whole)/2], false}, "cut gzip": {gzip[:len(gzip)/2], false}, "cut zstd": {zstd[:len(zstd)/2], false},
		"only a magic number": {gzip[:3], false},
	} {
		refs, err := r.Import(t.Context(), bytes.NewReader(c.archive))
		if c.good != (err == nil && len(refs) == 1) || !c.good && !errors.Is(err, sandbox.ErrBadRequest) {
			t.Errorf("%s: imported %q, %v", name, refs, err)
		}
		for _, ref := range refs {
			if err := r.Remove(t.Context(), ref); err != nil {
				t.Error(err)
			}
		}
		if found, err := r.Images(t.Context(), ""); err != nil || len(found) != 1 {
			t.Errorf("%s: images are now %+v, %v", name, found, err)
		}
	}
}

// Archives that name their images by the same tag alone do not take each other's
// image away, as some tools name all theirs so.
func TestImportOfTags(t *testing.T) {
	r := withImage(t, connect(t, config(t)))
	for name, byDigest := range map[string]bool{"latest": true, "1.0": true, "short:1": false} {
		for n := range 2 {
			refs, err := r.Import(t.Context(), imageArchive(t, name, time.Unix(2e9+int64(n), 0)))
			if err != nil || len(refs) != 1 || strings.HasPrefix(refs[0], "ingot@sha256:") != byDigest || !byDigest && refs[0] != name {
				t.Errorf("%s: imported %q, %v", name, refs, err)
			}
		}
	}
	if found, err := r.Images(t.Context(), probeLabel); err != nil || len(found) != 1+2+1 {
		t.Errorf("images %+v, %v", found, err)
	}
}

// A container is of the image that its caller has seen, or of none.
func TestExchangedImage(t *testing.T) {
	r := withImage(t, connect(t, config(t)))
	id := func() string {
		t.Helper()
		found, err := r.Images(t.Context(), probeLabel)
		if err != nil || len(found) != 1 {
			t.Fatalf("images %+v, %v", found, err)
		}
		return found[0].ID
	}
	old := id()
	if _, err := r.Import(t.Context(), imageArchive(t, probeImage, time.Unix(2e9, 0))); err != nil {
		t.Fatal(err)
	}
	for seen, want := range map[string]error{old: sandbox.ErrNoImage, id(): nil, "": nil} {
		c, err := r.Create(t.Context(), sandbox.Spec{ID: "exchanged", Image: probeImage, ImageID: seen, OCI: bareSpec("/usr/bin/true")})
		if !errors.Is(err, want) {
			t.Errorf("of image %q: %v, want %v", seen, err, want)
		}
		if err == nil {
			if err := c.Delete(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}

func drain(r *Runtime) {
	select {
	case <-r.Changes():
	default:
	}
}

func wantChange(t *testing.T, r *Runtime) {
	t.Helper()
	select {
	case <-r.Changes():
	case <-time.After(time.Minute):
		t.Fatal("no change was signalled")
	}
}

// spoilImage stores an image whose manifest is no JSON, and one without content.
func spoilImage(t *testing.T, r *Runtime) {
	t.Helper()
	junk := []byte("{ not JSON")
	bad := v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digest.FromBytes(junk), Size: int64(len(junk))}
	err := content.WriteBlob(t.Context(), r.client.ContentStore(), "junk", bytes.NewReader(junk), bad)
	if err != nil {
		t.Fatal(err)
	}
	gone := v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digest.FromString("gone"), Size: 4}
	for name, target := range map[string]v1.Descriptor{"bad": bad, "gone": gone} {
		if _, err := r.client.ImageService().Create(t.Context(), images.Image{Name: name, Target: target}); err != nil {
			t.Fatal(err)
		}
		_, err := r.Create(t.Context(), sandbox.Spec{ID: "of-" + name, Image: name, OCI: bareSpec("/usr/bin/true")})
		if !errors.Is(err, sandbox.ErrNoImage) && !errors.Is(err, sandbox.ErrBadRequest) {
			t.Errorf("container of image %q: %v", name, err)
		}
	}
}

// An image that another client imported without unpacking it can be used.
func TestUnpackWhenNeeded(t *testing.T) {
	r := connect(t, config(t))
	if _, err := r.client.Import(t.Context(), imageArchive(t, probeImage, time.Now())); err != nil {
		t.Fatal(err)
	}
	if got, _ := probeOutput(t, r, "say", "unpacked"); got != "unpacked" {
		t.Errorf("output %q", got)
	}
}

// A process that cannot be run is the request's fault.
func TestNoSuchProgram(t *testing.T) {
	r := withImage(t, connect(t, config(t)))
	for name, h := range handlers {
		c, err := r.Create(t.Context(), sandbox.Spec{
			ID: "none-" + name, Image: probeImage, Handler: h, OCI: bareSpec("/no/such/program"),
		})
		if err == nil {
			err = c.Start(t.Context())
			if e := c.Delete(context.WithoutCancel(t.Context())); e != nil {
				t.Error(e)
			}
		}
		if !errors.Is(err, sandbox.ErrBadRequest) {
			t.Errorf("%s: %v, want it of class ErrBadRequest", name, err)
		}
	}
}

// A label that the store was given goes over the image's own, whatever is
// imported under its name, until it is taken away.
func TestSetLabel(t *testing.T) {
	r := withImage(t, connect(t, config(t)))
	labels := func() map[string]string {
		t.Helper()
		found, err := r.Images(t.Context(), probeLabel)
		if err != nil || len(found) != 1 {
			t.Fatalf("images %+v, %v", found, err)
		}
		return found[0].Labels
	}
	set := func(key, value string) {
		t.Helper()
		if err := r.SetLabel(t.Context(), probeImage, key, value); err != nil {
			t.Fatal(err)
		}
	}
	drain(r)
	set(probeLabel, "given")
	wantChange(t, r)
	set("other.example/key", "more")
	if got := labels(); got[probeLabel] != "given" || got["other.example/key"] != "more" {
		t.Errorf("labels %v", got)
	}
	if _, err := r.Import(t.Context(), imageArchive(t, probeImage, time.Now())); err != nil {
		t.Fatal(err)
	}
	if got := labels(); got[probeLabel] != "given" {
		t.Errorf("labels %v after an import", got)
	}
	set(probeLabel, "")
	if got := labels(); got[probeLabel] != "yes" || got["other.example/key"] != "more" {
		t.Errorf("labels %v, want the image's own again", got)
	}
	if err := r.SetLabel(t.Context(), "no.such/image:1", probeLabel, "x"); !errors.Is(err, sandbox.ErrNoImage) {
		t.Errorf("labelled nothing: %v, want ErrNoImage", err)
	}
	if images, err := r.Images(t.Context(), "other.example/key"); err != nil || len(images) != 1 {
		t.Errorf("found %v, %v by a given label", images, err)
	}
}

func TestInspect(t *testing.T) {
	r := withImage(t, connect(t, config(t)))
	d, err := r.Inspect(t.Context(), probeImage)
	if err != nil {
		t.Fatal(err)
	}
	found, err := r.Images(t.Context(), probeLabel)
	if err != nil {
		t.Fatal(err)
	}
	if d.ID != found[0].ID || d.Size < 1000 || d.Missing != 0 || !slices.Equal(d.Platforms, []string{Platform()}) || len(d.Given) != 0 {
		t.Errorf("details %+v", d)
	}
	if _, err := r.Inspect(t.Context(), "no.such/image:1"); !errors.Is(err, sandbox.ErrNoImage) {
		t.Errorf("inspected nothing: %v, want ErrNoImage", err)
	}
	if v, err := r.Version(t.Context()); err != nil || tooOld(v) {
		t.Errorf("version %q, %v", v, err)
	}
}
