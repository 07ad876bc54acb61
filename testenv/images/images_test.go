package images

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// unpack returns the files of a tar archive.
func unpack(t *testing.T, b []byte) map[string]*tar.Header {
	t.Helper()
	out := make(map[string]*tar.Header)
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out[h.Name] = h
	}
}

// file returns the content of a file in a tar archive.
func file(t *testing.T, b []byte, name string) []byte {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if h.Name == name {
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
	}
}

func parse[T any](t *testing.T, b []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// fakeParts are programs small enough for a test.
func fakeParts(t *testing.T) Parts {
	t.Helper()
	dir := t.TempDir()
	busybox := filepath.Join(dir, "busybox")
	err := errors.Join(
		os.WriteFile(busybox, []byte("#!/bin/sh\necho busybox\necho sh\necho cat\n"), 0o755),
		os.WriteFile(filepath.Join(dir, "init"), []byte("init"), 0o755))
	if err != nil {
		t.Fatal(err)
	}
	return Parts{Busybox: busybox, Init: filepath.Join(dir, "init"), Template: filepath.Join(dir, "init")}
}

func TestArchiveIsAnOCILayout(t *testing.T) {
	im, err := Demo(t.Context(), DemoRef, "demo", fakeParts(t))
	if err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	if err := errors.Join(im.Write(&first), im.Write(&second)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same image gave other bytes")
	}
	b := first.Bytes()
	blob := func(d v1.Descriptor) []byte {
		data := file(t, b, "blobs/sha256/"+d.Digest.Encoded())
		if int64(len(data)) != d.Size || d.Digest.Algorithm().FromBytes(data) != d.Digest {
			t.Errorf("%s is not what its digest says", d.MediaType)
		}
		return data
	}
	index := parse[v1.Index](t, file(t, b, "index.json"))
	if name := index.Manifests[0].Annotations["io.containerd.image.name"]; name != DemoRef {
		t.Errorf("name %q", name)
	}
	manifest := parse[v1.Manifest](t, blob(index.Manifests[0]))
	config := parse[v1.Image](t, blob(manifest.Config))
	if config.Config.Labels[LabelName] != "demo" || config.Config.Labels[LabelVersion] != "4" || !slices.Equal(config.Config.Cmd, []string{"INGInious"}) {
		t.Errorf("configuration %+v", config.Config)
	}
	layer := blob(manifest.Layers[0])
	if config.RootFS.DiffIDs[0] != manifest.Layers[0].Digest {
		t.Error("the layer is not the configuration's")
	}
	files := unpack(t, layer)
	for name, want := range map[string]tar.Header{
		"usr/local/bin/INGInious":  {Typeflag: tar.TypeSymlink, Linkname: "ingot-init", Mode: 0o777},
		"usr/local/bin/ingot-init": {Typeflag: tar.TypeReg, Mode: 0o755},
		"bin/sh":                   {Typeflag: tar.TypeSymlink, Linkname: "busybox", Mode: 0o777},
		"tmp/":                     {Typeflag: tar.TypeDir, Mode: 0o1777},
		"usr/local/":               {Typeflag: tar.TypeDir, Mode: 0o755},
		"task/":                    {Typeflag: tar.TypeDir, Mode: 0o777, Uid: 4242, Gid: 4242},
	} {
		h := files[name]
		if h == nil || h.Typeflag != want.Typeflag || h.Linkname != want.Linkname || h.Mode != want.Mode || h.Uid != want.Uid {
			t.Errorf("%s: %+v", name, h)
		}
	}
}

func TestVariants(t *testing.T) {
	dir := t.TempDir()
	if err := WriteAll(t.Context(), dir, fakeParts(t)); err != nil {
		t.Fatal(err)
	}
	for name, labels := range map[string]int{DemoArchive: 2, BareArchive: 1, PlainArchive: 0} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		index := parse[v1.Index](t, file(t, b, "index.json"))
		manifest := parse[v1.Manifest](t, file(t, b, "blobs/sha256/"+index.Manifests[0].Digest.Encoded()))
		config := parse[v1.Image](t, file(t, b, "blobs/sha256/"+manifest.Config.Digest.Encoded()))
		if len(config.Config.Labels) != labels {
			t.Errorf("%s has the labels %v", name, config.Config.Labels)
		}
		files := unpack(t, file(t, b, "blobs/sha256/"+manifest.Layers[0].Digest.Encoded()))
		if _, has := files["usr/local/bin/ingot-init"]; has != (name == DemoArchive) {
			t.Errorf("%s: ingot-init is there: %v", name, has)
		}
	}
}

func TestPartsThatAreMissing(t *testing.T) {
	for _, p := range []Parts{{Busybox: "/no/such/file"}, {Init: "/no/such/file"}, {Template: "/no/such/file"}} {
		if _, err := Demo(t.Context(), DemoRef, "demo", p); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	im, err := Demo(t.Context(), DemoRef, "demo", Parts{})
	if err != nil || len(im.Config.Cmd) != 0 {
		t.Errorf("an image without programs: %v, %v", im.Config.Cmd, err)
	}
}

// What is kept is a program for everybody, and takes the place of an older one.
func TestKeep(t *testing.T) {
	dir := t.TempDir()
	to := filepath.Join(dir, "cache", "busybox")
	for _, text := range []string{"old", "new"} {
		from := filepath.Join(dir, text)
		if err := os.WriteFile(from, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := keep(from, to); got != to || err != nil {
			t.Fatalf("kept at %s: %v", got, err)
		}
		data, err := os.ReadFile(to)
		info, e := os.Stat(to)
		if err != nil || e != nil || string(data) != text || info.Mode().Perm() != 0o755 {
			t.Errorf("kept %q, %v, %v %v", data, info.Mode(), err, e)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(to)); err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
	if _, err := keep(filepath.Join(dir, "none"), to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
}

// What was fetched is there for the next, and nothing of what could not be.
func TestFetchOnce(t *testing.T) {
	dir, bin := t.TempDir(), t.TempDir()
	root := filepath.Join(dir, "cache", "p")
	for name, sh := range map[string]string{
		"apt-get":  "test $1 = update || : > $2.deb",
		"dpkg-deb": "test ! -e " + bin + "/broken && : > $3/file",
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+sh+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	broken := filepath.Join(bin, "broken")
	if err := os.WriteFile(broken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := fetchOnce(t.Context(), root, "p"); err == nil {
		t.Error("fetched what cannot be unpacked")
	}
	if left, err := os.ReadDir(filepath.Dir(root)); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := fetchOnce(t.Context(), root, "p"); err != nil {
			t.Error(err)
		}
		t.Setenv("PATH", "") // no program is needed any more
	}
	if _, err := os.Stat(filepath.Join(root, "file")); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Dir(root)); err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
}
