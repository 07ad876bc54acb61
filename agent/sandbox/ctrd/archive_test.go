//go:build native || vm

package ctrd

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	"github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	probeImage = "example.invalid/sandbox-probe:1"
	probeLabel = "invalid.example.probe"
	// probeFile is in the image, with the text "from the image".
	probeFile = "/etc/probe"
)

// imageArchive is an OCI archive of an image with a single small layer. Its
// containers get their programs by bind mounts. name is its whole name, or what an
// archive of another tool says instead, such as a tag, or "".
func imageArchive(t testing.TB, name string, made time.Time) io.Reader {
	t.Helper()
	var archive bytes.Buffer
	out := tar.NewWriter(&archive)
	put := func(mediaType string, data []byte) v1.Descriptor {
		d := v1.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		putFile(t, out, "blobs/sha256/"+d.Digest.Encoded(), data)
		return d
	}
	layer := put(v1.MediaTypeImageLayer, probeLayer(t))
	conf := put(v1.MediaTypeImageConfig, encode(t, v1.Image{
		Platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   v1.ImageConfig{Labels: map[string]string{probeLabel: "yes"}, Env: []string{"PROBE=1"}, Cmd: []string{"probe"}},
		RootFS:   v1.RootFS{Type: "layers", DiffIDs: []digest.Digest{layer.Digest}},
		History:  []v1.History{{}, {Created: &made}},
	}))
	manifest := put(v1.MediaTypeImageManifest, encode(t, v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: v1.MediaTypeImageManifest,
		Config:    conf,
		Layers:    []v1.Descriptor{layer},
	}))
	if strings.Contains(name, "/") {
		manifest.Annotations = map[string]string{images.AnnotationImageName: name}
	} else if name != "" {
		manifest.Annotations = map[string]string{v1.AnnotationRefName: name}
	}
	putFile(t, out, "index.json", encode(t, v1.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		Manifests: []v1.Descriptor{manifest},
	}))
	putFile(t, out, v1.ImageLayoutFile, encode(t, v1.ImageLayout{Version: v1.ImageLayoutVersion}))
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return &archive
}

func probeLayer(t testing.TB) []byte {
	var layer bytes.Buffer
	out := tar.NewWriter(&layer)
	for _, dir := range []string{"bin", "dev", "etc", "proc", "tmp"} {
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}); err != nil {
			t.Fatal(err)
		}
	}
	putFile(t, out, strings.TrimPrefix(probeFile, "/"), []byte("from the image"))
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return layer.Bytes()
}

func putFile(t testing.TB, out *tar.Writer, name string, data []byte) {
	t.Helper()
	if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write(data); err != nil {
		t.Fatal(err)
	}
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
