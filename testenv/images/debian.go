package images

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// unneeded are packages that others name but that no container here misses. All
// that is left out is left out of many imports.
var unneeded = []string{
	"base-files", "debconf", "debianutils", "dpkg", "media-types", "perl-base", "tzdata",
	"libdb5.3", "libdb5.3t64", "libncursesw6", "libnsl2", "libreadline8", "libreadline8t64", "libsqlite3-0", "libssl3", "libssl3t64",
	"libtirpc3", "libtirpc3t64", "python3-pkg-resources",
}

// skipped are what no container misses of the others.
var skipped = regexp.MustCompile(`^/usr/share/|/gconv/|/(distutils|ensurepip|idlelib|lib2to3|pydoc_data|tests?|tkinter|unittest)/`)

// Debian returns the files of Debian packages that are installed on this machine,
// and of all that they need, without documentation. The layout is Debian's: /bin,
// /lib and /sbin are links into /usr.
func Debian(ctx context.Context, packages ...string) ([]File, error) {
	closure, err := closure(ctx, packages)
	if err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, "dpkg-query", append([]string{"--listfiles"}, closure...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("list the files of packages: %w", err)
	}
	files := []File{{Path: "/bin", Link: "usr/bin"}, {Path: "/sbin", Link: "usr/sbin"}, {Path: "/lib", Link: "usr/lib"}, {Path: "/lib64", Link: "usr/lib64"}}
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSuffix(path, "\n")
		if !filepath.IsAbs(path) {
			continue // a remark about a diversion
		}
		if files, err = appendInstalled(files, path); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// appendInstalled appends what is at path, if it is there at all: dpkg can be
// told to leave things out. What a Python module was compiled to stands for it.
func appendInstalled(files []File, path string) ([]File, error) {
	dir, name := filepath.Split(path)
	dir, err := filepath.EvalSymlinks(dir) // below /usr what the package has in /lib
	if errors.Is(err, fs.ErrNotExist) {
		return files, nil
	}
	if err != nil {
		return nil, fmt.Errorf("package file: %w", err)
	}
	path = filepath.Join(dir, name)
	if skipped.MatchString(path) {
		return files, nil
	}
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return files, nil
	}
	if err != nil {
		return nil, fmt.Errorf("package file: %w", err)
	}
	f := File{Path: path, Mode: int64(st.Mode().Perm())}
	switch st.Mode().Type() {
	case fs.ModeSymlink:
		if f.Link, err = os.Readlink(path); err != nil {
			return nil, fmt.Errorf("package file: %w", err)
		}
		if dir == "/" {
			return files, nil // /bin and its like
		}
	case 0:
		if f.Data, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("package file: %w", err)
		}
	default:
		return files, nil // directories are made for what is in them
	}
	module, ok := strings.CutSuffix(name, ".py")
	if !ok || f.Link != "" {
		return append(files, f), nil
	}
	compiled, err := filepath.Glob(filepath.Join(dir, "__pycache__", module+".cpython-[0-9][0-9][0-9].pyc"))
	if err != nil {
		return nil, fmt.Errorf("package file: %w", err)
	}
	if len(compiled) == 1 { // half as much to import, by containerd and by Python
		f.Path += "c"
		if f.Data, err = os.ReadFile(compiled[0]); err != nil {
			return nil, fmt.Errorf("package file: %w", err)
		}
	}
	return append(files, f), nil
}

// closure is packages with all that they depend on, as far as it is installed.
func closure(ctx context.Context, packages []string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "dpkg-query", "--show", "--showformat",
		"${db:Status-Status}\t${binary:Package}\t${Package}\t${Provides}\t${Pre-Depends}, ${Depends}\n").Output()
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	provider, needs := map[string]string{}, map[string]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if f[0] != "installed" {
			continue
		}
		provider[f[2]], needs[f[1]] = f[1], f[4]
		for name := range strings.SplitSeq(f[3], ",") {
			if name = bare(name); provider[name] == "" {
				provider[name] = f[1]
			}
		}
	}
	var all []string
	for todo := slices.Clone(packages); len(todo) > 0; todo = todo[1:] {
		p, ok := provider[todo[0]]
		if !ok {
			return nil, fmt.Errorf("package %s is not installed", todo[0])
		}
		if slices.Contains(all, p) || slices.Contains(unneeded, todo[0]) {
			continue
		}
		all = append(all, p)
		for need := range strings.SplitSeq(needs[p], ",") {
			for name := range strings.SplitSeq(need, "|") {
				if name = bare(name); provider[name] != "" {
					todo = append(todo, name)
					break
				}
			}
		}
	}
	return all, nil
}

// bare is the name of a package without version and architecture.
func bare(dependency string) string {
	dependency = strings.TrimSpace(dependency)
	if i := strings.IndexAny(dependency, " (:"); i >= 0 {
		return dependency[:i]
	}
	return dependency
}
