package grade

import (
	"cmp"
	"fmt"
	"maps"
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

// maxPorts is how many ports an image may ask for. Agents have a few to lend.
const maxPorts = 64

// Kind is an environment type with the OCI runtime that its containers run on.
type Kind struct {
	EnvType string
	Runtime oci.Runtime
}

func (k Kind) handler() sandbox.Handler {
	return sandbox.Handler{Name: k.Runtime.Handler, Binary: k.Runtime.Binary, Config: k.Runtime.Config}
}

// environment is one environment that can be graded in.
type environment struct {
	kind      Kind
	name      string
	image     sandbox.Image
	injected  bool     // the image has no programs of INGInious: containers get ours
	ports     []uint16 // to publish
	advertise bool
}

// catalogue finds environments by type and name. It never changes once made.
type catalogue map[[2]string]*environment

// newCatalogue offers each image under every kind that suits it. Of several
// images with one name the newest wins, of equally old ones the first; an image
// of the configuration wins over all. skipped is called with what is wrong with
// each image that cannot be used.
func newCatalogue(images []sandbox.Image, cfg Config, skipped func(sandbox.Image, error)) catalogue {
	c, kinds := catalogue{}, cfg.offered()
	for _, img := range images {
		name, ok := img.Labels[labelName]
		if !ok {
			continue
		}
		env, err := newEnvironment(img, name, cfg.Guest != "")
		if err != nil {
			skipped(img, err)
			continue
		}
		c.offer(env, kinds, func(known *environment) bool { return img.Created.After(known.image.Created) })
	}
	for name, ref := range cfg.Images {
		i := slices.IndexFunc(images, func(img sandbox.Image) bool { return img.Ref == ref })
		if i < 0 {
			skipped(sandbox.Image{Ref: ref}, fmt.Errorf("environment %s: %w", name, sandbox.ErrNoImage))
			continue
		}
		env, err := newEnvironment(images[i], name, cfg.Guest != "")
		if err != nil {
			skipped(images[i], err)
			continue
		}
		c.offer(env, kinds, func(*environment) bool { return true })
	}
	return c
}

// offer adds an environment for each kind that suits it, unless there is a
// better one.
func (c catalogue) offer(env environment, kinds []Kind, better func(known *environment) bool) {
	for _, k := range kinds {
		if !suits(env.image, k) {
			continue
		}
		key := [2]string{k.EnvType, env.name}
		if known := c[key]; known == nil || better(known) {
			offered := env
			offered.kind = k
			c[key] = &offered
		}
	}
}

// withoutPorts takes out the environments that need ports, and returns them.
func (c catalogue) withoutPorts() (out []*environment) {
	maps.DeleteFunc(c, func(_ [2]string, e *environment) bool {
		if len(e.ports) > 0 {
			out = append(out, e)
		}
		return len(e.ports) > 0
	})
	return out
}

// suits reports whether the image may run as kind k.
func suits(img sandbox.Image, k Kind) bool {
	if _, ok := img.Labels[labelNeedRoot]; ok && !k.Runtime.Root {
		return false
	}
	if _, ok := img.Labels[labelNeedGPU]; ok && !k.Runtime.GPU {
		return false
	}
	return true
}

// newEnvironment reads an image's labels. One without a version has no programs
// of INGInious; guest tells whether we can give it ours.
func newEnvironment(img sandbox.Image, name string, guest bool) (environment, error) {
	e := environment{image: img, name: name}
	version, ok := img.Labels[labelVersion]
	e.injected = !ok
	switch {
	case !showable(name):
		return e, fmt.Errorf("label %s is no name: %.100q", labelName, name)
	case ok && version != "3" && version != "4":
		return e, fmt.Errorf("label %s is %.100q: 3 and 4 are supported", labelVersion, version)
	case !ok && !guest:
		return e, fmt.Errorf("there is no label %s, and no ingot-init to give to the image", labelVersion)
	}
	for p := range strings.SplitSeq(img.Labels[labelPorts], ",") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return e, fmt.Errorf("label %s: bad port %.100q", labelPorts, p)
		}
		if !slices.Contains(e.ports, uint16(n)) {
			e.ports = append(e.ports, uint16(n))
		}
		if len(e.ports) > maxPorts {
			return e, fmt.Errorf("label %s: more than %d ports", labelPorts, maxPorts)
		}
	}
	advertise, ok := img.Labels[labelAdvertise]
	e.advertise = !ok || advertise == "true"
	return e, nil
}

// portNumbers are the ports as messages have them; nil for none.
func (e *environment) portNumbers() (all []int64) {
	for _, p := range e.ports {
		all = append(all, int64(p))
	}
	return all
}

// announce lists the environments for a hello, by type and name.
func (c catalogue) announce() []wire.Environment {
	all := make([]wire.Environment, 0, len(c))
	for _, e := range c {
		all = append(all, wire.Environment{
			Type: e.kind.EnvType, Name: e.name, ID: e.image.ID, Title: e.name,
			Created: float64(e.image.Created.Unix()), Ports: e.portNumbers(),
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
