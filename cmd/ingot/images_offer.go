package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/guest"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/ctrd"
	"github.com/ingot-grading/ingot/cmd/internal/runtimes"
)

// offerFlags are those of an agent that decide what it offers.
type offerFlags struct {
	runtimes.Selection
	Init string `type:"path" placeholder:"FILE" default:"/usr/lib/ingot/ingot-init" help:"The agent's --init, for images without INGInious' programs; none if it is not there (${default})."`
}

// config is what an agent with these flags offers by. Where it has no runtime to
// offer, it offers nothing.
func (f offerFlags) config(look runtimes.Look) (grade.Config, error) {
	var cfg grade.Config
	if _, err := os.Stat(f.Init); err == nil {
		if err := guest.CheckProgram(f.Init); err != nil {
			return cfg, fmt.Errorf("--init: %w", err)
		}
		cfg.Guest = f.Init
	}
	kinds, err := f.Kinds(look, slog.New(slog.DiscardHandler))
	if err != nil && !errors.Is(err, runtimes.ErrNone) {
		return cfg, err
	}
	cfg.Kinds = kinds
	return cfg, nil
}

type imagesLsCmd struct {
	storeFlags `embed:""`
	offerFlags `embed:""`
}

// Run lists all images, newest first.
func (c *imagesLsCmd) Run(ctx context.Context) error {
	cfg, err := c.config(runtimes.Here(nil))
	if err != nil {
		return err
	}
	return c.with(ctx, func(rt *ctrd.Runtime) error {
		all, err := rt.Images(ctx, "")
		if err != nil {
			return err
		}
		var there []sandbox.Image
		var sizes []int64
		for _, img := range all {
			d, err := rt.Inspect(ctx, img.Ref)
			if errors.Is(err, sandbox.ErrNoImage) {
				continue // somebody removed it meanwhile
			}
			if err != nil {
				return err
			}
			there, sizes = append(there, img), append(sizes, d.Size)
		}
		return listImages(os.Stdout, there, sizes, cfg)
	})
}

func listImages(out io.Writer, all []sandbox.Image, sizes []int64, cfg grade.Config) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "IMAGE\tENVIRONMENT\tLABEL\tCREATED\tSIZE\tID\tUSED")
	uses := usesOf(all, cfg)
	for i, img := range all {
		created := "-"
		if !img.Created.IsZero() {
			created = img.Created.Local().Format(time.DateTime)
		}
		id, _ := strings.CutPrefix(img.ID, "sha256:")
		name, version := img.Labels[grade.LabelName], img.Labels[grade.LabelVersion]
		fmt.Fprintf(w, "%s\t%.128s\t%.16s\t%s\t%s\t%.12s\t%s\n", inLine(img.Ref), orDash(inLine(name)), orDash(inLine(version)),
			created, mebibytes(sizes[i]), id, uses[i])
	}
	return w.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// usesOf says of each image as what it is offered, or why it is not.
func usesOf(all []sandbox.Image, cfg grade.Config) []string {
	wrong := map[string]string{}
	offers := grade.Survey(all, cfg, func(img sandbox.Image, err error) { wrong[img.Ref] = "no: " + err.Error() })
	uses := make([]string, len(all))
	for i, img := range all {
		var as, better []string
		for _, o := range offers {
			switch {
			case o.Image == img.Ref:
				as = append(as, o.Type+"/"+o.Name)
			case o.Name == img.Labels[grade.LabelName]:
				better = append(better, o.Image)
			}
		}
		name, named := img.Labels[grade.LabelName]
		switch {
		case len(as) > 0:
			uses[i] = strings.Join(as, ", ")
		case !named:
			uses[i] = "no: it has no environment name"
		case wrong[img.Ref] != "":
			uses[i] = wrong[img.Ref]
		case len(better) > 0:
			uses[i] = fmt.Sprintf("no: %s is %s now", name, inLine(better[0]))
		default:
			uses[i] = "no: it needs another runtime"
		}
	}
	return uses
}
