//go:build native

package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/distribution/reference"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/ctrd"
	"github.com/ingot-grading/ingot/testenv/images"
	"github.com/ingot-grading/ingot/testenv/vm/tier"
)

// bareImage is the full name of the image that people call "bare".
func bareImage(t *testing.T) string {
	t.Helper()
	ref, err := reference.ParseDockerRef("bare")
	if err != nil {
		t.Fatal(err)
	}
	return ref.String()
}

// archive writes an archive of an image without labels.
func archive(t *testing.T, arch string) string { return archiveOf(t, bareImage(t), arch) }

func archiveOf(t *testing.T, ref, arch string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img := images.Image{Ref: ref, Created: time.Unix(1e9, 0), Arch: arch, Config: v1.ImageConfig{Cmd: []string{"/bin/sh"}}}
	if err := img.Write(f); err != nil {
		t.Fatal(err)
	}
	return path
}

// An image of strangers becomes an environment with two commands, by its short name.
func TestImagesOnContainerd(t *testing.T) {
	tier.Require(t, tier.Native)
	store := storeFlags{ContainerdAddress: os.Getenv("CONTAINERD_ADDRESS"), Namespace: "ingot-images-" + strconv.FormatInt(time.Now().UnixNano(), 36), Patience: time.Minute}
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must((&imagesImportCmd{storeFlags: store, Files: []string{archive(t, runtime.GOARCH)}}).Run(ctx))
	check := &imagesCheckCmd{storeFlags: store, offerFlags: offerFlags{Init: "/bin/sh"}, Image: "bare"}
	if err := check.Run(ctx); !errors.Is(err, errUnlike) {
		t.Errorf("without a name: %v", err)
	}
	must((&imagesLabelCmd{storeFlags: store, Label: "py=bare"}).Run(ctx))
	must(check.Run(ctx))
	must((&imagesLsCmd{storeFlags: store, offerFlags: check.offerFlags}).Run(ctx))
	must(store.with(ctx, func(rt *ctrd.Runtime) error {
		all, err := rt.Images(ctx, grade.LabelName)
		if err == nil && (len(all) != 1 || all[0].Labels[grade.LabelName] != "py") {
			t.Errorf("images %+v", all)
		}
		return err
	}))
	must((&imagesLabelCmd{storeFlags: store, Label: "=bare:latest"}).Run(ctx))
	if err := check.Run(ctx); !errors.Is(err, errUnlike) {
		t.Errorf("after the name was taken away: %v", err)
	}
	err := (&imagesRmCmd{storeFlags: store, Images: []string{"missing", bareImage(t), "gone"}}).Run(ctx)
	if !errors.Is(err, sandbox.ErrNoImage) || !strings.Contains(err.Error(), "missing") || !strings.Contains(err.Error(), "gone") {
		t.Errorf("of three images, two of which are not there: %v", err)
	}
	if err := check.Run(ctx); !errors.Is(err, sandbox.ErrNoImage) || !strings.Contains(err.Error(), "ingot images ls") {
		t.Errorf("after it was removed: %v", err)
	}
	if err := (&imagesImportCmd{storeFlags: store, Files: []string{archive(t, "s390x")}}).Run(ctx); err == nil {
		t.Error("an image for another machine is imported without a complaint")
	}
	if err := (&imagesImportCmd{storeFlags: store, Files: []string{"/does/not/exist"}}).Run(ctx); err == nil {
		t.Error("nothing is imported without a complaint")
	}
}

// An archive says nothing to the terminal of whoever imports it.
func TestImportOfAHostileName(t *testing.T) {
	tier.Require(t, tier.Native)
	store := storeFlags{ContainerdAddress: os.Getenv("CONTAINERD_ADDRESS"), Namespace: "ingot-images-" + strconv.FormatInt(time.Now().UnixNano(), 36), Patience: time.Minute}
	const ref = "example.org/\x1b[2J\n:1"
	err := store.with(t.Context(), func(rt *ctrd.Runtime) error {
		var out strings.Builder
		err := importFile(t.Context(), rt, archiveOf(t, ref, runtime.GOARCH), &out)
		if got := out.String(); got != "example.org/?[2J?:1\n" {
			t.Errorf("it says %q", got)
		}
		return errors.Join(err, rt.Remove(t.Context(), ref))
	})
	if err != nil {
		t.Fatal(err)
	}
}
