//go:build native

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/containerd/log"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/sandbox/ctrd"
	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

// registry serves one image, by the tag "1" of any name, as the distribution
// specification says. What spoil picks of it is not what its digest says, one that
// no containerd has met: what is there already is not pulled.
func registry(t *testing.T, spoil func(*v1.Manifest) *v1.Descriptor) (address string) {
	t.Helper()
	blobs, index := layout(t, archive(t, runtime.GOARCH))
	top := index.Manifests[0]
	var manifest v1.Manifest
	if err := json.Unmarshal(blobs[top.Digest.String()], &manifest); err != nil {
		t.Fatal(err)
	}
	if spoil != nil {
		part := spoil(&manifest)
		data := blobs[part.Digest.String()]
		part.Digest = digest.FromString(rand.Text())
		blobs[part.Digest.String()] = data
		raw, err := json.Marshal(manifest)
		if err != nil {
			t.Fatal(err)
		}
		top.Digest, top.Size = digest.FromBytes(raw), int64(len(raw))
		blobs[top.Digest.String()] = raw
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/{name}/manifests/{ref}", func(w http.ResponseWriter, r *http.Request) {
		ref := r.PathValue("ref")
		if ref == "1" {
			ref = top.Digest.String()
		}
		if ref != top.Digest.String() {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", top.MediaType)
		w.Header().Set("Docker-Content-Digest", ref)
		w.Header().Set("Content-Length", strconv.Itoa(len(blobs[ref])))
		w.Write(blobs[ref])
	})
	mux.HandleFunc("GET /v2/{name}/blobs/{digest}", func(w http.ResponseWriter, r *http.Request) {
		data, ok := blobs[r.PathValue("digest")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Write(data)
	})
	mux.HandleFunc("GET /v2/secret/manifests/{ref}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="secret"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// layout reads the blobs of an image's archive, by digest, and its index.
func layout(t *testing.T, file string) (blobs map[string][]byte, index v1.Index) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	blobs = map[string][]byte{}
	for in := tar.NewReader(f); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return blobs, index
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err == nil && h.Name == v1.ImageIndexFile {
			err = json.Unmarshal(data, &index)
		}
		if err != nil {
			t.Fatal(err)
		}
		blobs["sha256:"+path.Base(h.Name)] = data
	}
}

// An image comes from its registry under its full name, can be graded in when it
// is here, and keeps the name that it was given when it is pulled again.
func TestPull(t *testing.T) {
	tier.Require(t, tier.Native)
	store := storeFlags{ContainerdAddress: os.Getenv("CONTAINERD_ADDRESS"), Namespace: "ingot-pull-" + strconv.FormatInt(time.Now().UnixNano(), 36), Patience: time.Minute}
	ctx := t.Context()
	ref := registry(t, nil) + "/bare:1"
	for _, step := range []interface{ Run(context.Context) error }{
		&imagesPullCmd{storeFlags: store, Image: ref},
		&imagesLabelCmd{storeFlags: store, Label: "py=" + ref},
		&imagesPullCmd{storeFlags: store, Image: ref},
		&imagesCheckCmd{storeFlags: store, offerFlags: offerFlags{Init: "/bin/sh"}, Image: ref},
	} {
		if err := step.Run(ctx); err != nil {
			t.Fatalf("%T: %v", step, err)
		}
	}
	err := store.with(ctx, func(rt *ctrd.Runtime) error {
		all, err := rt.Images(ctx, grade.LabelName)
		if err == nil && (len(all) != 1 || all[0].Ref != ref || all[0].Labels[grade.LabelName] != "py") {
			t.Errorf("images %+v", all)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := (&imagesRmCmd{storeFlags: store, Images: []string{ref}}).Run(ctx); err != nil {
		t.Error(err)
	}
}

// What cannot be pulled leaves no image, and says so in one way: the library's own
// log stays empty.
func TestPullFails(t *testing.T) {
	tier.Require(t, tier.Native)
	var raw bytes.Buffer
	log.L.Logger.SetOutput(&raw)
	t.Cleanup(func() { log.L.Logger.SetOutput(os.Stderr) })
	good, gone := registry(t, nil), httptest.NewServer(nil)
	gone.Close()
	for name, ref := range map[string]string{
		"no tag":       good + "/bare:2",
		"no access":    good + "/secret:1",
		"no registry":  strings.TrimPrefix(gone.URL, "http://") + "/bare:1",
		"wrong layer":  registry(t, func(m *v1.Manifest) *v1.Descriptor { return &m.Layers[0] }) + "/bare:1",
		"wrong config": registry(t, func(m *v1.Manifest) *v1.Descriptor { return &m.Config }) + "/bare:1",
		"no name":      "UPPER CASE",
	} {
		t.Run(name, func(t *testing.T) {
			store := storeFlags{ContainerdAddress: os.Getenv("CONTAINERD_ADDRESS"), Namespace: "ingot-pull-" + strconv.FormatInt(time.Now().UnixNano(), 36), Patience: time.Minute}
			if err := (&imagesPullCmd{storeFlags: store, Image: ref}).Run(t.Context()); err == nil {
				t.Error("no error")
			} else {
				t.Log(err)
			}
			err := store.with(t.Context(), func(rt *ctrd.Runtime) error {
				all, err := rt.Images(t.Context(), "")
				if len(all) > 0 {
					t.Errorf("images %+v", all)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	if raw.Len() > 0 {
		t.Errorf("the library logged %s", &raw)
	}
}
