package grade

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// Labels that people are told of (PROTOCOL.md 4.2).
const (
	LabelName    = labelName    // makes an image an environment of that name
	LabelVersion = labelVersion // "3" or "4": that of INGInious' programs in it
)

// GoodName reports whether agents offer environments of this name.
func GoodName(name string) bool { return showable(name) }

// Offer is an environment as an agent offers it.
type Offer struct {
	Type, Name string
	Image      string // its Ref
	Injected   bool   // the image has no programs of INGInious: containers get ingot-init
	Ports      []int64
	Advertised bool // to webapps
}

// Survey says what an agent of cfg would offer of images, newest first as a
// runtime lists them, by type and name. Of cfg it takes Kinds, Guest and Images.
// skipped is called with what is wrong with each image that cannot be used.
func Survey(images []sandbox.Image, cfg Config, skipped func(sandbox.Image, error)) []Offer {
	var all []Offer
	for _, e := range newCatalogue(images, cfg, skipped) {
		all = append(all, Offer{
			Type: e.kind.EnvType, Name: e.name, Image: e.image.Ref,
			Injected: e.injected, Ports: e.portNumbers(), Advertised: e.advertise,
		})
	}
	slices.SortFunc(all, func(a, b Offer) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Name, b.Name))
	})
	return all
}
