package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/ctrd"
	"github.com/ingot-grading/ingot/cmd/internal/runtimes"
	"github.com/ingot-grading/ingot/oci"
)

type imagesCheckCmd struct {
	storeFlags `embed:""`
	offerFlags `embed:""`
	Image      string `arg:"" help:"Name of the image."`
}

// Run says what there is to say about the image.
func (c *imagesCheckCmd) Run(ctx context.Context) error {
	look := runtimes.Here(nil)
	cfg, err := c.config(look)
	if err != nil {
		return err
	}
	return c.with(ctx, func(rt *ctrd.Runtime) error {
		ref, err := full(ctx, rt, c.Image)
		if err != nil {
			return err
		}
		d, err := rt.Inspect(ctx, ref)
		if err != nil {
			return err
		}
		all, err := rt.Images(ctx, "")
		if err != nil {
			return err
		}
		fmt.Printf("%s  %s\n", ref, d.ID)
		return printFindings(os.Stdout, checkImage(ref, d, all, cfg, look))
	})
}

// checkImage looks at the image ref among all. look tells what runtimes there are.
func checkImage(ref string, d ctrd.Details, all []sandbox.Image, cfg grade.Config, look runtimes.Look) []finding {
	i := slices.IndexFunc(all, func(img sandbox.Image) bool { return img.Ref == ref })
	if i < 0 || d.ID == "" {
		return []finding{{fail, fmt.Sprintf("it is made for %s, and this machine is %s", strings.Join(d.Platforms, ", "), ctrd.Platform()),
			"build or pull it for this machine"}}
	}
	img := all[i]
	found := []finding{{ok, "it is made for this machine, " + ctrd.Platform(), ""}}
	if d.Missing > 0 {
		found = append(found, finding{fail, fmt.Sprintf("%d parts of it are not here", d.Missing), "import or pull it again"})
	} else {
		found = append(found, finding{ok, "it is here whole, " + mebibytes(d.Size), ""})
	}
	found = append(found, checkName(img, d))
	found = append(found, checkLabels(img, cfg, look)...)
	found = append(found, checkProcess(img)...)
	if !slices.ContainsFunc(found, func(f finding) bool { return f.level == fail }) {
		found = append(found, checkUse(img, all, cfg))
	}
	return found
}

func checkName(img sandbox.Image, d ctrd.Details) finding {
	name, named := img.Labels[grade.LabelName]
	switch {
	case !named:
		return finding{fail, "it has no environment name: there is no label " + grade.LabelName, "ingot images label NAME=" + img.Ref}
	case d.Given[grade.LabelName] != "":
		return finding{ok, fmt.Sprintf("its environment name is %q, given by ingot images label", name), ""}
	}
	return finding{ok, fmt.Sprintf("its environment name is %q, by its own label", name), ""}
}

// checkLabels tells what an agent makes of the other labels, for any kind of
// runtime and for those of cfg.
func checkLabels(img sandbox.Image, cfg grade.Config, look runtimes.Look) []finding {
	if _, named := img.Labels[grade.LabelName]; !named {
		img.Labels = maps.Clone(img.Labels)
		img.Labels[grade.LabelName] = "name" // as if it had one: the rest is of interest too
	}
	var found []finding
	every := cfg
	every.Kinds = nil
	for _, r := range oci.Runtimes() {
		every.Kinds = append(every.Kinds, grade.Kind{EnvType: r.Name, Runtime: r})
	}
	offers := grade.Survey([]sandbox.Image{img}, every, func(_ sandbox.Image, err error) {
		todo := "correct the label and build the image anew"
		if _, own := img.Labels[grade.LabelVersion]; !own {
			todo = "an image without INGInious' programs needs an agent with --init; give it to this command too"
		}
		found = append(found, finding{fail, err.Error(), todo})
	})
	if len(offers) == 0 {
		if len(found) == 0 {
			found = []finding{{fail, "its labels ask for root and for a GPU: no runtime has both", "take one of the labels away"}}
		}
		return found
	}
	o := offers[0]
	if o.Injected {
		found = append(found, finding{ok, "it has no programs of INGInious: the agent brings ingot-init in", ""})
	} else {
		found = append(found, finding{ok, "it has the programs of INGInious, label version " + img.Labels[grade.LabelVersion], ""})
	}
	if len(o.Ports) > 0 {
		found = append(found, finding{ok, "graders may use the ports " + strings.Trim(fmt.Sprint(o.Ports), "[]"), ""})
	}
	if !o.Advertised {
		found = append(found, finding{warn, "it is hidden from webapps by its label, which is not \"true\"", ""})
	}
	if len(grade.Survey([]sandbox.Image{img}, cfg, func(sandbox.Image, error) {})) == 0 {
		found = append(found, finding{fail, "its labels ask for root or a GPU, which the agent's runtimes do not give", suggest(offers, look)})
	}
	return found
}

// suggest says which runtimes suit, each offered under its name as type, and
// what those lack that are not here.
func suggest(offers []grade.Offer, look runtimes.Look) string {
	var suited []string
	for _, o := range offers {
		r, _ := oci.FindRuntime(o.Type)
		if err := look(&r); err != nil {
			suited = append(suited, fmt.Sprintf("%s (not here: %v)", o.Type, err))
		} else {
			suited = append(suited, o.Type)
		}
	}
	return "use --runtime " + strings.Join(suited, " or ")
}

// checkProcess looks at what the image says of its main process.
func checkProcess(img sandbox.Image) []finding {
	var found []finding
	c := img.Config
	if _, own := img.Labels[grade.LabelVersion]; own {
		args := slices.Concat(c.Entrypoint, c.Cmd)
		line := strings.Join(args, " ")
		switch {
		case len(args) == 0:
			found = append(found, finding{fail, "it names no program to run", `its Dockerfile must end in CMD ["INGInious"]`})
		case !slices.ContainsFunc(args, func(a string) bool { return path.Base(a) == "INGInious" }):
			found = append(found, finding{warn, fmt.Sprintf("it runs %.200q, not INGInious", line), "see that this starts INGInious"})
		default:
			found = append(found, finding{ok, fmt.Sprintf("it runs %.200q", line), ""})
		}
		if c.User != "" && c.User != "root" && c.User != "0" {
			found = append(found, finding{warn, fmt.Sprintf("it runs as user %q", c.User), "INGInious' programs need root inside the container: take USER out of the Dockerfile"})
		}
	} else {
		c.User = "" // ingot-init runs as root
	}
	_, err := oci.New([]string{"x"}, oci.FromImage(oci.Image{Env: c.Env, WorkingDir: c.WorkingDir, User: c.User}), oci.WithoutResources())
	if err != nil {
		found = append(found, finding{fail, "no container can be made of it: " + err.Error(), "correct its Dockerfile"})
	}
	return found
}

// checkUse says whether it is the one that is taken for its name.
func checkUse(img sandbox.Image, all []sandbox.Image, cfg grade.Config) finding {
	i := slices.IndexFunc(all, func(other sandbox.Image) bool { return other.Ref == img.Ref })
	use, unused := strings.CutPrefix(usesOf(all, cfg)[i], "no: ")
	if unused {
		return finding{warn, "it is not used: " + use, ""}
	}
	return finding{ok, "it is used as " + use, ""}
}
