package images

import (
	"archive/tar"
	"bytes"
	"cmp"
	_ "crypto/sha256" // which digests are of
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// File is a file, a directory (Dir) or a symbolic link (Link not empty) of an image.
type File struct {
	Path     string // absolute
	Mode     int64  // permissions, with the sticky bit if wanted
	UID, GID int
	Dir      bool
	Link     string
	Data     []byte
}

// Image is an image with one layer.
type Image struct {
	// Ref is the full name under which it is imported, "ingot.test/demo:latest".
	Ref string
	// Created is the time of the image and of all its files.
	Created time.Time
	// Arch is the processor as Go names it.
	Arch string
	// Files need no order; missing parents are made. Of two files with one path
	// the later one counts.
	Files  []File
	Config v1.ImageConfig
}

// Write writes the image as an OCI layout in a tar archive.
func (im Image) Write(w io.Writer) error { return Write(w, im) }

// Write writes images that have the same files, which are taken from the first,
// as one OCI layout in a tar archive.
func Write(w io.Writer, images ...Image) error {
	first := images[0]
	layer, err := first.layer()
	if err != nil {
		return fmt.Errorf("build %s: %w", first.Ref, err)
	}
	files := []File{{Path: "oci-layout", Data: []byte(`{"imageLayoutVersion":"1.0.0"}`)}}
	blob := func(mediaType string, b []byte) v1.Descriptor {
		d := descriptor(mediaType, b)
		files = append(files, File{Path: "blobs/sha256/" + d.Digest.Encoded(), Data: b})
		return d
	}
	index := v1.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageIndex}
	top := blob(v1.MediaTypeImageLayer, layer)
	for _, im := range images {
		d, err := im.manifest(top, blob)
		if err != nil {
			return fmt.Errorf("build %s: %w", im.Ref, err)
		}
		index.Manifests = append(index.Manifests, d)
	}
	b, err := json.Marshal(index)
	if err != nil {
		return fmt.Errorf("build %s: %w", first.Ref, err)
	}
	files = append(files, File{Path: "index.json", Data: b})
	if err := writeTar(w, files, first.Created.UTC()); err != nil {
		return fmt.Errorf("write %s: %w", first.Ref, err)
	}
	return nil
}

// manifest makes the image's configuration and manifest, and describes the latter.
func (im Image) manifest(layer v1.Descriptor, blob func(string, []byte) v1.Descriptor) (d v1.Descriptor, err error) {
	created := im.Created.UTC()
	config, err := json.Marshal(v1.Image{
		Created:  &created,
		Platform: v1.Platform{Architecture: im.Arch, OS: "linux"},
		Config:   im.Config,
		RootFS:   v1.RootFS{Type: "layers", DiffIDs: []digest.Digest{layer.Digest}},
		History:  []v1.History{{Created: &created, CreatedBy: "testenv/images"}},
	})
	if err != nil {
		return d, err
	}
	manifest, err := json.Marshal(v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: v1.MediaTypeImageManifest,
		Config:    blob(v1.MediaTypeImageConfig, config),
		Layers:    []v1.Descriptor{layer},
	})
	if err != nil {
		return d, err
	}
	d = blob(v1.MediaTypeImageManifest, manifest)
	d.Platform = &v1.Platform{Architecture: im.Arch, OS: "linux"}
	d.Annotations = map[string]string{"io.containerd.image.name": im.Ref, v1.AnnotationRefName: tag(im.Ref)}
	return d, nil
}

func descriptor(mediaType string, b []byte) v1.Descriptor {
	return v1.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(b), Size: int64(len(b))}
}

func tag(ref string) string { return ref[strings.LastIndexByte(ref, ':')+1:] }

// layer is the tar archive of the files, parents first.
func (im Image) layer() ([]byte, error) {
	byPath := make(map[string]File)
	for _, f := range im.Files {
		f.Path = strings.TrimPrefix(path.Clean(f.Path), "/")
		for d := path.Dir(f.Path); d != "."; d = path.Dir(d) {
			if _, ok := byPath[d]; !ok {
				byPath[d] = File{Path: d, Dir: true, Mode: 0o755}
			}
		}
		byPath[f.Path] = f
	}
	files := make([]File, 0, len(byPath))
	for _, f := range byPath {
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	var b bytes.Buffer
	err := writeTar(&b, files, im.Created.UTC())
	return b.Bytes(), err
}

func writeTar(w io.Writer, files []File, when time.Time) error {
	t := tar.NewWriter(w)
	for _, f := range files {
		h := &tar.Header{Name: f.Path, Mode: f.Mode, Uid: f.UID, Gid: f.GID, ModTime: when, Size: int64(len(f.Data)), Typeflag: tar.TypeReg}
		switch {
		case f.Dir:
			h.Typeflag, h.Name = tar.TypeDir, f.Path+"/"
		case f.Link != "":
			h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, f.Link, 0o777
		case h.Mode == 0:
			h.Mode = 0o644
		}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(f.Data); err != nil {
			return err
		}
	}
	return t.Close()
}
