package grade

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/oci"
)

func image(ref string, age time.Duration, labels ...string) sandbox.Image {
	img := sandbox.Image{Ref: ref, ID: "sha256:" + ref, Created: time.Unix(1e9, 0).Add(-age), Labels: map[string]string{}}
	for i := 0; i < len(labels); i += 2 {
		img.Labels[labels[i]] = labels[i+1]
	}
	return img
}

func kinds(t *testing.T, names ...string) (all []Kind) {
	t.Helper()
	for _, name := range names {
		r, ok := oci.FindRuntime(name)
		if !ok {
			t.Fatal(name)
		}
		all = append(all, Kind{EnvType: r.EnvType, Runtime: r})
	}
	return all
}

// Which images are offered as what.
func TestCatalogue(t *testing.T) {
	images := []sandbox.Image{
		image("new", 0, labelName, "default", labelVersion, "4"),
		image("old", time.Hour, labelName, "default", labelVersion, "3"),
		image("same", 0, labelName, "default", labelVersion, "4"),
		image("ancient", 0, labelName, "ancient", labelVersion, "2"),
		image("unnamed", 0, labelName, "", labelVersion, "4"),
		image("root", 0, labelName, "root", labelVersion, "3", labelNeedRoot, ""),
		image("gpu", 0, labelName, "gpu", labelVersion, "3", labelNeedGPU, "yes"),
		image("hidden", 0, labelName, "hidden", labelVersion, "4", labelAdvertise, "True"),
		image("ports", 0, labelName, "ports", labelVersion, "4", labelPorts, " 80, 443"),
		image("bad ports", 0, labelName, "bad", labelVersion, "4", labelPorts, "80,x"),
		image("bare", 0, labelName, "bare"),
		image("stranger", 0),
	}
	for _, c := range []struct {
		name    string
		cfg     Config
		want    []string // type/name=ref
		skipped []string
	}{
		{
			"as they are", Config{Kinds: kinds(t, "crun", "kata")},
			[]string{
				"docker/default=new", "docker/hidden=hidden", "docker/ports=ports",
				"kata/default=new", "kata/hidden=hidden", "kata/ports=ports", "kata/root=root",
			},
			[]string{"ancient", "unnamed", "bad ports", "bare"},
		},
		{
			"with programs", Config{Kinds: kinds(t, "crun"), Guest: "/g", Images: map[string]string{"mine": "stranger", "default": "old"}},
			[]string{"docker/bare=bare", "docker/default=old", "docker/hidden=hidden", "docker/mine=stranger", "docker/ports=ports"},
			[]string{"ancient", "unnamed", "bad ports"},
		},
		{
			"named but not there", Config{Kinds: kinds(t, "nvidia"), Images: map[string]string{"x": "nowhere"}},
			[]string{"nvidia/default=new", "nvidia/gpu=gpu", "nvidia/hidden=hidden", "nvidia/ports=ports"},
			[]string{"ancient", "unnamed", "bad ports", "bare", "nowhere"},
		},
	} {
		var skipped []string
		got := newCatalogue(images, c.cfg, func(img sandbox.Image, err error) { skipped = append(skipped, img.Ref) })
		var have []string
		for _, e := range got.announce() {
			have = append(have, e.Type+"/"+e.Name+"="+got[[2]string{e.Type, e.Name}].image.Ref)
			if e.Advertised == (e.Name == "hidden") {
				t.Errorf("%s: %s is advertised: %v", c.name, e.Name, e.Advertised)
			}
			if e.Name == "ports" && !slices.Equal(e.Ports, []int64{80, 443}) {
				t.Errorf("%s: ports %v", c.name, e.Ports)
			}
		}
		if !slices.Equal(have, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, have, c.want)
		}
		if !slices.Equal(skipped, c.skipped) {
			t.Errorf("%s: skipped %q, want %q", c.name, skipped, c.skipped)
		}
		if !got.same(got) || got.same(catalogue{}) {
			t.Errorf("%s: it is not like itself, or like nothing", c.name)
		}
	}
}

// Labels that no agent could offer are refused in few words, however long they are.
func TestBadLabels(t *testing.T) {
	var ports []string
	for i := range maxPorts + 1 {
		ports = append(ports, strconv.Itoa(i+1))
	}
	for name, c := range map[string]struct {
		label, value string
		ports        int // -1: refused
	}{
		"as many ports as may be": {labelPorts, strings.Join(ports[1:], ","), maxPorts},
		"too many ports":          {labelPorts, strings.Join(ports, ","), -1},
		"the same port":           {labelPorts, strings.Repeat("80,", 1000), 1},
		"no ports":                {labelPorts, " , ,", 0},
		"port 0":                  {labelPorts, "0", -1},
		"port 65536":              {labelPorts, "65536", -1},
		"no number":               {labelPorts, strings.Repeat("x", 1<<20), -1},
		"a long version":          {labelVersion, strings.Repeat("4", 1<<20), -1},
		"a spaced version":        {labelVersion, "4 ", -1},
		"a long name":             {labelName, strings.Repeat("x", 129), -1},
		"a name of two lines":     {labelName, "a\nb", -1},
		"a name that clears":      {labelName, "\x1b[2J", -1},
		"a name of letters":       {labelName, "C++ été/2", 0},
	} {
		img := image("i", 0, labelName, "i", labelVersion, "4", c.label, c.value)
		got := newCatalogue([]sandbox.Image{img}, Config{Kinds: kinds(t, "crun")}, func(_ sandbox.Image, err error) {
			if c.ports >= 0 || len(err.Error()) > 300 {
				t.Errorf("%s: %.300v", name, err)
			}
		}).announce()
		if len(got) != 1 && c.ports >= 0 || len(got) > 0 && len(got[0].Ports) != c.ports {
			t.Errorf("%s: offered as %+v", name, got)
		}
	}
}

// Whatever webapps or backends are told of an environment is a change of it.
func TestChangesAreSeen(t *testing.T) {
	offered := func(img sandbox.Image) catalogue {
		return newCatalogue([]sandbox.Image{img}, Config{Kinds: kinds(t, "crun")}, func(_ sandbox.Image, err error) { t.Error(err) })
	}
	labels := func(more ...string) sandbox.Image {
		return image("i", 0, append([]string{labelName, "i", labelVersion, "4"}, more...)...)
	}
	was, rebuilt := offered(labels()), labels()
	rebuilt.ID = "sha256:another"
	for name, img := range map[string]sandbox.Image{
		"ports": labels(labelPorts, "80"), "hidden": labels(labelAdvertise, "no"), "name": labels(labelName, "j"), "built anew": rebuilt,
	} {
		if now := offered(img); now.same(was) || was.same(now) {
			t.Errorf("%s: the same", name)
		}
	}
	if !was.same(offered(labels())) {
		t.Error("not the same without a change")
	}
}

// What containers of images with and without programs run.
func TestProcess(t *testing.T) {
	config := sandbox.Config{
		Env: []string{"A=b", "PATH=/opt/bin:/bin"}, Entrypoint: []string{"/entry"}, Cmd: []string{"cmd"}, WorkingDir: "/w", User: "1000",
	}
	own := &environment{image: sandbox.Image{Config: config}}
	args, img := own.process([]string{"_run_student_intern", "crun", "docker"})
	if !slices.Equal(args, []string{"_run_student_intern", "crun", "docker"}) || img.User != "1000" || !slices.Equal(img.Entrypoint, config.Entrypoint) {
		t.Errorf("its own: %q in %+v", args, img)
	}
	bare := &environment{injected: true, image: sandbox.Image{Config: config}}
	args, img = bare.process(nil)
	if !slices.Equal(args, []string{"/.ingot/INGInious"}) || img.User != "" || img.WorkingDir != "/w" || len(img.Entrypoint)+len(img.Cmd) > 0 {
		t.Errorf("given: %q in %+v", args, img)
	}
	if !slices.Equal(img.Env, []string{"A=b", "PATH=/.ingot:/opt/bin:/bin"}) || config.Env[1] != "PATH=/opt/bin:/bin" {
		t.Errorf("environment %q, image's now %q", img.Env, config.Env)
	}
	args, img = (&environment{injected: true}).process([]string{"_run_student_intern"})
	if !slices.Equal(args, []string{"/.ingot/_run_student_intern"}) || !slices.Equal(img.Env, []string{"PATH=/.ingot:" + defaultPath[len("PATH="):]}) {
		t.Errorf("given to an empty image: %q in %+v", args, img)
	}
}
