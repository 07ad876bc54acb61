package main

import (
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/ctrd"
	"github.com/ingot-grading/ingot/cmd/internal/runtimes"
	"github.com/ingot-grading/ingot/oci"
)

// grader is an image as INGInious builds them, with its labels changed: "" takes
// one away.
func grader(ref string, age time.Duration, labels ...string) sandbox.Image {
	img := sandbox.Image{
		Ref: ref, ID: "sha256:0123456789abcdef", Created: time.Unix(1e9, 0).Add(-age),
		Labels: map[string]string{grade.LabelName: "py", grade.LabelVersion: "4"},
		Config: sandbox.Config{Cmd: []string{"INGInious"}},
	}
	for i := 0; i < len(labels); i += 2 {
		img.Labels["org.inginious.grading."+labels[i]] = labels[i+1]
		if labels[i+1] == "" {
			delete(img.Labels, "org.inginious.grading."+labels[i])
		}
	}
	return img
}

func offering(t *testing.T, names ...string) grade.Config {
	t.Helper()
	var flags offerFlags
	for _, name := range names {
		r, err := oci.ChooseRuntime(name)
		if err != nil {
			t.Fatal(err)
		}
		flags.Runtime = append(flags.Runtime, r)
	}
	cfg, err := flags.config(without())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// without is a machine that has all runtimes but these.
func without(names ...string) runtimes.Look {
	return func(r *oci.Runtime) error {
		if slices.Contains(names, r.Name) {
			return errors.New("no " + r.Name)
		}
		return nil
	}
}

func TestListImages(t *testing.T) {
	all := []sandbox.Image{
		grader("new", 0), grader("old", time.Hour), grader("bare", 0, "name", ""), grader("strange", 0, "agent_version", "9", "name", "x"),
		grader("rooted", 0, "need_root", "1", "name", "os"), grader("hostile\x1b[2J", 0, "name", "a\nb", "agent_version", strings.Repeat("9", 1<<20)),
	}
	var out strings.Builder
	if err := listImages(&out, all, make([]int64, len(all)), offering(t, "runc")); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{
		"new": "docker/py", "old": "no: py is new now", "bare": "no: it has no environment name", "strange": `is "9"`, "rooted": "no: it needs another runtime",
	} {
		lines := strings.Split(out.String(), "\n")
		if i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, ref+" ") }); i < 0 || !strings.Contains(lines[i], want) {
			t.Errorf("%s: want %q in\n%s", ref, want, out.String())
		}
	}
	if text := out.String(); strings.Contains(text, "\x1b") || strings.Count(text, "\n") != 1+len(all) || len(text) > 10000 {
		t.Errorf("a hostile image spoils the list: %d bytes, %.3000q", len(text), text)
	}
	if !strings.Contains(out.String(), " 0123456789ab ") {
		t.Errorf("no short id in\n%s", out.String())
	}
	if uses := usesOf(all, offering(t, "crun", "kata")); uses[0] != "docker/py, kata/py" || uses[4] != "kata/os" {
		t.Errorf("with two runtimes: %q", uses)
	}
	var none offerFlags
	if cfg, err := none.config(without("runc", "crun", "kata", "nvidia", "runsc")); err != nil || len(cfg.Kinds) > 0 {
		t.Errorf("without a runtime: %+v, %v", cfg.Kinds, err)
	}
	none.Runtime = oci.Runtimes()
	if _, err := none.config(without("kata")); err == nil {
		t.Error("a chosen runtime that is not there is taken")
	}
	if _, err := (offerFlags{Init: "images_test.go"}).config(without()); err == nil || !strings.Contains(err.Error(), "--init: images_test.go is no program") {
		t.Errorf("a text as ingot-init: %v", err)
	}
}

func TestCheckImage(t *testing.T) {
	whole := ctrd.Details{ID: "sha256:1", Platforms: []string{ctrd.Platform()}}
	stranger := grader("i", 0, "agent_version", "", "name", "")
	user := grader("i", 0)
	user.Config.User = "1000"
	badUser := grader("i", 0)
	badUser.Config.User = "worker"
	idle := grader("i", 0)
	idle.Config.Cmd = nil
	shell := grader("i", 0)
	shell.Config.Cmd = []string{"/bin/sh"}
	for name, c := range map[string]struct {
		img     sandbox.Image
		details ctrd.Details
		init    string
		fails   bool
		want    string
	}{
		"good":               {grader("i", 0), whole, "", false, "it is used as docker/py"},
		"label 3":            {grader("i", 0, "agent_version", "3"), whole, "", false, "label version 3"},
		"name given":         {grader("i", 0), ctrd.Details{ID: "x", Given: map[string]string{grade.LabelName: "py"}}, "", false, "given by ingot images label"},
		"foreign":            {grader("i", 0), ctrd.Details{Platforms: []string{"linux/mips", "linux/s390x"}}, "", true, "made for linux/mips, linux/s390x"},
		"hostile platforms":  {grader("i", 0), ctrd.Details{Platforms: []string{"linux/\x1b[2J\nok    fine"}}, "", true, "made for linux/?[2J; ok    fine, and"},
		"not whole":          {grader("i", 0), ctrd.Details{ID: "x", Missing: 2}, "", true, "2 parts of it are not here"},
		"label 2":            {grader("i", 0, "agent_version", "2"), whole, "", true, "3 and 4 are supported"},
		"stranger":           {stranger, whole, "", true, "ingot images label NAME=i"},
		"stranger with init": {grader("i", 0, "agent_version", ""), whole, "/init", false, "brings ingot-init in"},
		"stranger, no init":  {grader("i", 0, "agent_version", ""), whole, "", true, "no ingot-init"},
		"ports":              {grader("i", 0, "ports", "80, 443"), whole, "", false, "ports 80 443"},
		"bad ports":          {grader("i", 0, "ports", "http"), whole, "", true, `bad port "http"`},
		"needs root":         {grader("i", 0, "need_root", "1"), whole, "", true, "use --runtime kata or runsc (not here: no runsc)"},
		"needs a GPU":        {grader("i", 0, "need_gpu", "1"), whole, "", true, "use --runtime nvidia"},
		"needs both":         {grader("i", 0, "need_gpu", "1", "need_root", "1"), whole, "", true, "no runtime has both"},
		"hidden":             {grader("i", 0, "advertise", "no"), whole, "", false, "hidden from webapps"},
		"nothing to run":     {idle, whole, "", true, "names no program"},
		"something else":     {shell, whole, "", false, `runs "/bin/sh", not INGInious`},
		"a user":             {user, whole, "", false, `runs as user "1000"`},
		"a user by name":     {badUser, whole, "", true, "no container can be made of it"},
		"an older one":       {grader("i", time.Hour), whole, "", false, "it is not used: py is newer now"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := offering(t, "runc")
			cfg.Guest = c.init
			all := []sandbox.Image{c.img}
			if name == "an older one" {
				all = append(all, grader("newer", 0))
			}
			var out strings.Builder
			err := printFindings(&out, checkImage("i", c.details, all, cfg, without("runsc")))
			if errors.Is(err, errUnlike) != c.fails {
				t.Errorf("ended with %v", err)
			}
			if !strings.Contains(out.String(), c.want) {
				t.Errorf("%q is not in:\n%s", c.want, out.String())
			}
		})
	}
}

func TestBadLabels(t *testing.T) {
	for _, bad := range []string{"", "name", "name=", "a/b=image", "a b=image"} {
		if err := (&imagesLabelCmd{Label: bad}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "want NAME=IMAGE") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A name that no agent offers is refused before anybody is asked.
func TestBadLabel(t *testing.T) {
	for _, label := range []string{"x", "x=", "a b=i", "x\x1b[31m=i", strings.Repeat("x", 129) + "=i"} {
		err := (&imagesLabelCmd{Label: label}).Run(t.Context())
		if err == nil || errors.Is(err, sandbox.ErrUnavailable) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: %v", label, err)
		}
	}
	for _, label := range []string{"x=i", "=i", "c++=i:1"} {
		if err := (&imagesLabelCmd{Label: label}).Run(t.Context()); !errors.Is(err, sandbox.ErrUnavailable) {
			t.Errorf("%q: %v, want it to ask containerd", label, err)
		}
	}
}

// A containerd that hangs is not waited for.
func TestHangingContainerd(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "hangs"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	store := storeFlags{ContainerdAddress: l.Addr().String(), Patience: 10 * time.Millisecond}
	if err := (&imagesRmCmd{storeFlags: store, Images: []string{"x"}}).Run(t.Context()); !errors.Is(err, errHangs) || !errors.Is(err, sandbox.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
