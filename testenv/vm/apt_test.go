package vm

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const deb822 = `# a comment
Types: deb deb-src
# between fields
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://tools.example/apt
Suites: stable
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
`

func TestParseSources(t *testing.T) {
	got, err := parseSources(strings.NewReader(deb822))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 {
		t.Fatalf("%d sources, want the mirror and the tools: %+v", len(got), got)
	}
	first := got[0]
	if first.uri != "http://mirror.example/debian" || first.signedBy != "/usr/share/keyrings/debian-archive-keyring.gpg" {
		t.Errorf("mirror is %+v", first)
	}
	if !slices.Equal(first.suites, []string{"bookworm", "bookworm-updates"}) || !slices.Equal(first.components, []string{"main", "contrib"}) {
		t.Errorf("mirror has suites %q and components %q", first.suites, first.components)
	}
	if got[1].signedBy != "" {
		t.Errorf("a key inside the file became the path %q", got[1].signedBy)
	}
}

func TestParseList(t *testing.T) {
	const list = `
# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb http://plain.example/debian/ bookworm main contrib # trailing
	deb	[ arch=amd64 signed-by=/etc/key.gpg ] https://options.example/debian bookworm main
deb [arch=amd64] http://noword.example
debris http://x.example y
`
	got, err := parseList(strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	var uris []string
	for _, s := range got {
		uris = append(uris, s.uri+" "+s.signedBy)
	}
	want := []string{"http://plain.example/debian ", "https://options.example/debian /etc/key.gpg"}
	if !slices.Equal(uris, want) {
		t.Errorf("sources are %q, want %q", uris, want)
	}
}

func TestHostMirror(t *testing.T) {
	const bookworm = "ID=debian\nVERSION_CODENAME=\"bookworm\"\n"
	const vendor = "deb https://vendor.example/apt bookworm stable\ndeb https://vendor.example/pg bookworm-pg main\n"
	cases := []struct {
		name, release, configured string
		files                     map[string]string
		want                      string // "" for ErrNoMirror
	}{
		{"deb822", bookworm, "", map[string]string{"sources.list.d/debian.sources": deb822}, "http://mirror.example/debian"},
		{"one line", bookworm, "", map[string]string{"sources.list": "deb http://line.example/debian bookworm main"}, "http://line.example/debian"},
		{"vendors are passed over", bookworm, "", map[string]string{"sources.list": vendor, "sources.list.d/debian.sources": deb822}, "http://mirror.example/debian"},
		{"a disabled file", bookworm, "", map[string]string{"sources.list.d/debian.sources.bak": deb822}, ""},
		{"a CD", bookworm, "", map[string]string{"sources.list": "deb cdrom:[Debian]/ bookworm main"}, ""},
		{"another distribution", "ID=ubuntu\nVERSION_CODENAME=noble\n", "", map[string]string{"sources.list": "deb http://u.example/ubuntu noble main"}, ""},
		{"no apt", "", "", nil, ""},
		{"configured", "", "http://set.example/debian", nil, "http://set.example/debian"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			root := fstest.MapFS{"etc/os-release": {Data: []byte(c.release)}}
			for name, data := range c.files {
				root["etc/apt/"+name] = &fstest.MapFile{Data: []byte(data)}
			}
			h, err := readHost(root)
			if err != nil {
				t.Fatal(err)
			}
			got, err := h.debian(c.configured)
			if got.uri != c.want || errors.Is(err, ErrNoMirror) != (c.want == "") {
				t.Errorf("mirror is %q and error %v, want %q", got.uri, err, c.want)
			}
		})
	}
}

func TestPlanInstall(t *testing.T) {
	h := host{id: "debian", codename: "bookworm", sources: []source{
		{uri: "http://m.example/debian", suites: []string{"bookworm"}, components: []string{"main"}, signedBy: "/k.gpg"},
	}}
	plan := planInstall(h, "", []string{"qemu-system-x86"})
	if !strings.Contains(plan.manual(), "deb [signed-by=/k.gpg] http://m.example/debian bookworm-backports main") ||
		!strings.Contains(plan.manual(), "-t bookworm-backports qemu-system-x86") {
		t.Errorf("on Debian 12 QEMU would not come from its backports:\n%s", plan.manual())
	}
	h.codename = "trixie"
	if plan := planInstall(h, "", []string{"qemu-system-x86"}); plan.release != "" || strings.Contains(plan.manual(), "backports") {
		t.Errorf("on Debian 13 backports are used:\n%s", plan.manual())
	}
}

func TestCheckVersion(t *testing.T) {
	for out, want := range map[string]error{
		"QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright": nil,
		"QEMU emulator version 9.0.0":                                    nil,
		"QEMU emulator version 7.2.19 (Debian 1:7.2+dfsg-7)":             ErrOldQEMU,
	} {
		if _, err := checkVersion(out); !errors.Is(err, want) {
			t.Errorf("%q: error %v, want %v", out, err, want)
		}
	}
	if _, err := checkVersion("no such thing"); err == nil {
		t.Error("a version was found where there is none")
	}
}
