package grade

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/oci"
	"github.com/ingot-grading/ingot/wire"
)

// Labels of a grading image (PROTOCOL.md 4.2).
const (
	labelName      = "org.inginious.grading.name"
	labelVersion   = "org.inginious.grading.agent_version"
	labelPorts     = "org.inginious.grading.ports"
	labelNeedRoot  = "org.inginious.grading.need_root"
	labelNeedGPU   = "org.inginious.grading.need_gpu"
	labelAdvertise = "org.inginious.grading.advertise"
)

// Label is what selects grading images in a runtime's store.
const Label = labelName

// Kind is an environment type with the OCI runtime that its containers run on.
type Kind struct {
	EnvType string
	Runtime oci.Runtime
}

// environment is one environment that can be graded in.
type environment struct {
	kind      Kind
	name      string
	image     sandbox.Image
	version   string // label version of the image: "3" or "4"
	ports     []int64
	advertise bool
}

// catalogue finds environments by type and name. It never changes once made.
type catalogue map[[2]string]*environment

// newCatalogue offers each image under every kind that suits it. Of several
// images with one name the newest wins, of equally old ones the first. skipped
// is called with what is wrong with each image that cannot be used.
func newCatalogue(images []sandbox.Image, kinds []Kind, skipped func(sandbox.Image, error)) catalogue {
	c := catalogue{}
	for _, img := range images {
		env, err := readLabels(img)
		if err != nil {
			skipped(img, err)
			continue
		}
		for _, k := range kinds {
			if !suits(img, k) {
				continue
			}
			key := [2]string{k.EnvType, env.name}
			if known := c[key]; known == nil || img.Created.After(known.image.Created) {
				offered := env
				offered.kind = k
				c[key] = &offered
			}
		}
	}
	return c
}

// suits reports whether the image may run as kind k.
func suits(img sandbox.Image, k Kind) bool {
	if _, ok := img.Labels[labelNeedRoot]; ok && !k.Runtime.Root {
		return false
	}
	if _, ok := img.Labels[labelNeedGPU]; ok && k.Runtime.Name != "nvidia" {
		return false
	}
	return true
}

func readLabels(img sandbox.Image) (environment, error) {
	e := environment{image: img, name: img.Labels[labelName], version: img.Labels[labelVersion]}
	if e.name == "" {
		return e, fmt.Errorf("label %s is empty", labelName)
	}
	if e.version != "3" && e.version != "4" {
		return e, fmt.Errorf("label %s is %q: 3 and 4 are supported", labelVersion, e.version)
	}
	for p := range strings.SplitSeq(img.Labels[labelPorts], ",") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return e, fmt.Errorf("label %s: bad port %q", labelPorts, p)
		}
		e.ports = append(e.ports, int64(n))
	}
	advertise, ok := img.Labels[labelAdvertise]
	e.advertise = !ok || advertise == "true"
	return e, nil
}

// announce lists the environments for a hello, by type and name.
func (c catalogue) announce() []wire.Environment {
	all := make([]wire.Environment, 0, len(c))
	for _, e := range c {
		all = append(all, wire.Environment{
			Type: e.kind.EnvType, Name: e.name, ID: e.image.ID, Title: e.name,
			Created: float64(e.image.Created.Unix()), Ports: e.ports,
			Runtime: e.kind.Runtime.Name, Advertised: e.advertise,
		})
	}
	slices.SortFunc(all, func(a, b wire.Environment) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Name, b.Name))
	})
	return all
}

// same reports whether c announces what other does.
func (c catalogue) same(other catalogue) bool {
	return slices.EqualFunc(c.announce(), other.announce(), func(a, b wire.Environment) bool {
		ports := slices.Equal(a.Ports, b.Ports)
		a.Ports, b.Ports = nil, nil
		return ports && a.Type == b.Type && a.Name == b.Name && a.ID == b.ID && a.Advertised == b.Advertised
	})
}
