package images

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// pythonPackages are the Debian packages that [PythonRoot] begins with.
var pythonPackages = []string{"bash", "coreutils", "grep", "sed", "python3-zmq", "python3-msgpack"}

// Family is a generation of INGInious' images (PROTOCOL.md 5.2).
type Family string

// Families that are in use.
const (
	F3b Family = "F3b" // v0.8.0 to v0.9.3
	F4a Family = "F4a" // June to August 2026
	F4b Family = "F4b" // since then
)

// Families are all of them, the oldest first.
var Families = []Family{F3b, F4a, F4b}

// version is the agent_version of the family's label.
func (f Family) version() string {
	if f == F3b {
		return "3"
	}
	return "4"
}

// Env is the name of the environment of a family's image.
func (f Family) Env() string { return "legacy-" + string(f) }

// programs are a second, independent implementation of what runs in containers.
//
//go:embed legacy
var programs embed.FS

// PythonRoot returns the files of an image with Python, libzmq and a shell but
// without INGInious' programs, from packages that are installed on this machine.
// It takes a moment and tens of megabytes; images can share it.
func PythonRoot(ctx context.Context) ([]File, error) {
	files, err := Debian(ctx, pythonPackages...)
	if err != nil {
		return nil, err
	}
	files = append(files, File{Path: "/usr/bin/sh", Link: "bash"}) // as in INGInious' images
	return append(files, skeleton()...), nil
}

// LegacyPrograms returns the programs of INGInious' images in Python: commands in
// /usr/local/bin, of which only the named ones if there are names.
func LegacyPrograms(names ...string) ([]File, error) {
	const lib, bin = "/usr/local/lib/legacy", "/usr/local/bin/"
	if len(names) == 0 {
		names = legacyCommands
	}
	entries, err := fs.ReadDir(programs, "legacy")
	if err != nil {
		return nil, fmt.Errorf("read the legacy programs: %w", err)
	}
	var files []File
	for _, e := range entries {
		data, err := fs.ReadFile(programs, path.Join("legacy", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the legacy programs: %w", err)
		}
		files = append(files, File{Path: path.Join(lib, e.Name()), Mode: 0o755, Data: data})
	}
	for _, name := range names {
		files = append(files, File{Path: bin + name, Link: lib + "/legacy"})
	}
	return files, nil
}

// legacyCommands are all commands; ssh_student and feedback-msg-tpl are left out.
var legacyCommands = []string{
	"INGInious", "_run_student_intern", "archive", "feedback", "feedback-custom", "feedback-grade", "feedback-msg",
	"feedback-result", "feedback-state", "getinput", "inginious-ipython", "parsetemplate", "rst-code", "rst-image",
	"rst-indent", "rst-msgblock", "run_student", "tag", "tag-set",
}

// Legacy is an image as INGInious' own of that family: root and programs are
// those of [PythonRoot] and [LegacyPrograms]. All families have the same files.
func Legacy(f Family, root, programs []File) Image {
	im := Stranger("ingot.test/"+f.Env()+":latest", f.Env(), append(slices.Clip(root), programs...))
	im.Config.Labels[LabelVersion] = f.version()
	im.Config.Env = append(im.Config.Env, "LEGACY_FAMILY="+string(f))
	im.Config.Cmd = []string{"INGInious"}
	return im
}

// Stranger is an image of these files that has no programs of INGInious, as far as
// its labels say. Name is the
// name of the environment.
func Stranger(ref, name string, files []File) Image {
	return Image{
		Ref: ref, Created: created, Arch: runtime.GOARCH, Files: files,
		Config: v1.ImageConfig{
			Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "PYTHONUNBUFFERED=1"},
			WorkingDir: "/task",
			Labels:     map[string]string{LabelName: name},
		},
	}
}
