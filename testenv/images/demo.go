package images

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ingot-grading/ingot/agent/guest"
)

// Labels of PROTOCOL.md 4.2.
const (
	LabelName    = "org.inginious.grading.name"
	LabelVersion = "org.inginious.grading.agent_version"
)

// created is the time of all images: equal inputs give equal bytes.
var created = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Parts are the programs that an image is made of, as paths on this machine.
type Parts struct {
	Busybox string // static; empty: an image without a shell
	Init    string // ingot-init; empty: an image of strangers
	// Template is ingot-template, for feedback-msg-tpl; it may be empty.
	Template string
	// Extra are more files, for images with a grader of their own.
	Extra []File
}

// Demo is an image for grading, of this machine's architecture. Name is the
// name of the environment; an empty one gives an image without labels.
func Demo(ctx context.Context, ref, name string, p Parts) (Image, error) {
	im := Image{Ref: ref, Created: created, Arch: runtime.GOARCH, Files: skeleton()}
	im.Config = v1.ImageConfig{
		Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"},
		WorkingDir: "/task",
		Labels:     map[string]string{},
	}
	if name != "" {
		im.Config.Labels[LabelName] = name
	}
	if name != "" && p.Init != "" {
		im.Config.Labels[LabelVersion] = "4" // of the programs
	}
	if p.Busybox != "" {
		files, err := busybox(ctx, p.Busybox)
		if err != nil {
			return Image{}, err
		}
		im.Files = append(im.Files, files...)
		im.Config.Cmd = []string{"/bin/sh"}
	}
	if p.Init != "" {
		data, err := os.ReadFile(p.Init)
		if err != nil {
			return Image{}, fmt.Errorf("read ingot-init: %w", err)
		}
		im.Files = append(im.Files, File{Path: "/usr/local/bin/" + guest.Self, Mode: 0o755, Data: data})
		for _, command := range guest.Names() {
			im.Files = append(im.Files, File{Path: "/usr/local/bin/" + command, Link: guest.Self})
		}
		im.Config.Cmd = []string{"INGInious"}
	}
	if p.Template != "" {
		data, err := os.ReadFile(p.Template)
		if err != nil {
			return Image{}, fmt.Errorf("read ingot-template: %w", err)
		}
		im.Files = append(im.Files, File{Path: "/usr/local/bin/" + guest.TemplateProgram, Mode: 0o755, Data: data})
	}
	im.Files = append(im.Files, p.Extra...)
	return im, nil
}

// skeleton is what an image has beside programs.
func skeleton() []File {
	files := []File{
		{Path: "/etc/passwd", Data: []byte("root:x:0:0:root:/root:/bin/sh\nworker:x:4242:4242::/task:/bin/sh\n")},
		{Path: "/etc/group", Data: []byte("root:x:0:\nworker:x:4242:\n")},
		{Path: "/etc/hosts", Data: []byte("127.0.0.1 localhost\n")},
		{Path: "/etc/resolv.conf"},
		{Path: "/tmp", Dir: true, Mode: 0o1777},
		{Path: "/task", Dir: true, Mode: 0o777, UID: 4242, GID: 4242},
		{Path: "/root", Dir: true, Mode: 0o700},
	}
	for _, d := range []string{"/dev", "/proc", "/sys", "/run", "/sockets", "/archive", "/course/common"} {
		files = append(files, File{Path: d, Dir: true, Mode: 0o755})
	}
	return files
}

// busybox is the program with a link for each of its commands. It has no bash of
// its own: the one here is its sh.
func busybox(ctx context.Context, program string) ([]File, error) {
	data, err := os.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("read busybox: %w", err)
	}
	list, err := exec.CommandContext(ctx, program, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("list the commands of busybox: %w", err)
	}
	files := []File{
		{Path: "/bin/busybox", Mode: 0o755, Data: data},
		{Path: "/bin/bash", Mode: 0o755, Data: []byte("#!/bin/busybox sh\nexec /bin/busybox sh \"$@\"\n")},
	}
	for command := range strings.FieldsSeq(string(list)) {
		if command != "busybox" {
			files = append(files, File{Path: "/bin/" + command, Link: "busybox"})
		}
	}
	return files, nil
}
