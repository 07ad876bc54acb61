package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/distribution/reference"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/ctrd"
)

// imagesCmd is about the images of a grader.
type imagesCmd struct {
	Ls     imagesLsCmd     `cmd:"" help:"List images, and which of them are graded in."`
	Import imagesImportCmd `cmd:"" help:"Read images in from OCI or Docker archives."`
	Pull   imagesPullCmd   `cmd:"" help:"Fetch an image from its registry."`
	Rm     imagesRmCmd     `cmd:"" help:"Remove images."`
	Check  imagesCheckCmd  `cmd:"" help:"Say whether an image can be graded in, and what it lacks; status 1 if not."`
	Label  imagesLabelCmd  `cmd:"" help:"Give an image an environment name without building it anew."`
}

// Help is the guide.
func (imagesCmd) Help() string {
	return `The commands work on this machine's containerd, in the namespace of its agent. A running
agent follows what they do by itself. An image is graded in if it has the label
` + grade.LabelName + `, built in or given by "ingot images label"; of several with one
name the newest is used.`
}

// storeFlags say where images are, as the agent's flags do.
type storeFlags struct {
	ContainerdAddress string `default:"/run/containerd/containerd.sock" env:"CONTAINERD_ADDRESS" help:"Socket of containerd (${default})."`
	Namespace         string `default:"ingot" help:"Namespace of the agent's images in containerd (${default})."`

	Patience time.Duration `default:"10s" help:"How long to wait for a first answer (${default})."`
}

// open connects to the store. The caller closes it. What is done with it then may
// take long.
func (f storeFlags) open(ctx context.Context) (*ctrd.Runtime, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, f.Patience, errHangs)
	defer cancel()
	rt, err := ctrd.Connect(ctx, ctrd.Config{Address: f.ContainerdAddress, Namespace: f.Namespace, Log: warnings()})
	if err != nil && errors.Is(context.Cause(ctx), errHangs) {
		err = fmt.Errorf("%w: %w", errHangs, err)
	}
	return rt, err
}

// errHangs is the end of patience with containerd.
var errHangs = errors.New("containerd did not answer in time")

// with runs f on the store.
func (f storeFlags) with(ctx context.Context, do func(*ctrd.Runtime) error) error {
	rt, err := f.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(rt), rt.Close())
}

// full finds the full name of an image that a person named: as it is, or short
// as in "python:3".
func full(ctx context.Context, rt *ctrd.Runtime, name string) (string, error) {
	err := rt.Find(ctx, name)
	if !errors.Is(err, sandbox.ErrNoImage) {
		return name, err
	}
	ref, e := reference.ParseDockerRef(name)
	if e != nil {
		return "", fmt.Errorf("image %q: %w", name, e)
	}
	if err := rt.Find(ctx, ref.String()); err != nil {
		return "", fmt.Errorf("%w (ingot images ls lists what there is)", err)
	}
	return ref.String(), nil
}

type imagesImportCmd struct {
	storeFlags `embed:""`
	Files      []string `arg:"" name:"file" help:"Archives, as docker save or testenv/images write them, compressed by gzip or zstd or not; - is the standard input."`
}

// Run imports the archives and prints the names of their images.
func (c *imagesImportCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(rt *ctrd.Runtime) error {
		for _, name := range c.Files {
			if err := importFile(ctx, rt, name, os.Stdout); err != nil {
				return err
			}
		}
		return nil
	})
}

func importFile(ctx context.Context, rt *ctrd.Runtime, name string, out io.Writer) error {
	file := os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		defer f.Close()
		file = f
	}
	refs, err := rt.Import(ctx, file)
	for _, ref := range refs {
		fmt.Fprintln(out, inLine(ref)) // the archive's text
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(refs) == 0 {
		return fmt.Errorf("%s: no image for %s in it", name, ctrd.Platform())
	}
	return nil
}

type imagesPullCmd struct {
	storeFlags `embed:""`
	Image      string `arg:"" help:"Name of the image, as in docker pull."`
}

// Run pulls the image and prints its full name.
func (c *imagesPullCmd) Run(ctx context.Context) error {
	ref, err := reference.ParseDockerRef(c.Image)
	if err != nil {
		return fmt.Errorf("image %q: %w", c.Image, err)
	}
	return c.with(ctx, func(rt *ctrd.Runtime) error {
		if err := rt.Pull(ctx, ref.String()); err != nil {
			return err
		}
		fmt.Println(ref)
		return nil
	})
}

type imagesRmCmd struct {
	storeFlags `embed:""`
	Images     []string `arg:"" name:"image" help:"Names of the images."`
}

// Run removes the images that are there. Containers made of them go on.
func (c *imagesRmCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(rt *ctrd.Runtime) error {
		var errs []error
		for _, name := range c.Images {
			ref, err := full(ctx, rt, name)
			if err == nil {
				err = rt.Remove(ctx, ref)
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}

type imagesLabelCmd struct {
	storeFlags `embed:""`
	Label      string `arg:"" placeholder:"NAME=IMAGE" help:"NAME=IMAGE; =IMAGE takes a name that was given away again."`
}

// Run gives the image the name, over the one that it was built with.
func (c *imagesLabelCmd) Run(ctx context.Context) error {
	name, image, found := strings.Cut(c.Label, "=")
	if !found || image == "" || strings.ContainsAny(name, "/ \t\n") {
		return fmt.Errorf("%q: want NAME=IMAGE", c.Label)
	}
	if name != "" && !grade.GoodName(name) {
		return fmt.Errorf("%.100q: no agent offers an environment of this name", name)
	}
	return c.with(ctx, func(rt *ctrd.Runtime) error {
		ref, err := full(ctx, rt, image)
		if err != nil {
			return err
		}
		return rt.SetLabel(ctx, ref, grade.LabelName, name)
	})
}
