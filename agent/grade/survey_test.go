package grade

import (
	"reflect"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/oci"
)

// A survey says what is announced: the newest of a name, where it suits.
func TestSurvey(t *testing.T) {
	runc, _ := oci.FindRuntime("runc")
	kata, _ := oci.FindRuntime("kata")
	cfg := Config{Kinds: []Kind{{EnvType: runc.EnvType, Runtime: runc}, {EnvType: kata.EnvType, Runtime: kata}}}
	image := func(ref string, age time.Duration, labels map[string]string) sandbox.Image {
		return sandbox.Image{Ref: ref, Labels: labels, Created: time.Unix(1e9, 0).Add(-age)}
	}
	images := []sandbox.Image{
		image("new", 0, map[string]string{labelName: "py", labelVersion: "4", labelPorts: "80,443"}),
		image("old", time.Hour, map[string]string{labelName: "py", labelVersion: "4"}),
		image("root", 0, map[string]string{labelName: "os", labelVersion: "3", labelNeedRoot: "", labelAdvertise: "no"}),
		image("bare", 0, map[string]string{labelName: "bare"}),
		image("none", 0, nil),
	}
	var skipped []string
	skip := func(i sandbox.Image, _ error) { skipped = append(skipped, i.Ref) }
	py := Offer{Type: "docker", Name: "py", Image: "new", Ports: []int64{80, 443}, Advertised: true}
	pyKata := py
	pyKata.Type = "kata"
	want := []Offer{py, {Type: "kata", Name: "os", Image: "root"}, pyKata}
	if got := Survey(images, cfg, skip); !reflect.DeepEqual(got, want) {
		t.Errorf("offers %+v, want %+v", got, want)
	}
	if !reflect.DeepEqual(skipped, []string{"bare"}) {
		t.Errorf("skipped %q", skipped)
	}
	cfg.Guest = "/guest"
	if got := Survey(images[3:], cfg, skip); len(got) != 2 || !got[0].Injected || got[0].Image != "bare" {
		t.Errorf("with programs to give: %+v", got)
	}
}
