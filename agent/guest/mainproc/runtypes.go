package mainproc

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

// runTypesFile is where an image says how run files with other extensions are
// started: lines such as "rb /usr/bin/ruby -w".
const runTypesFile = "/etc/ingot/run_types"

// pythonRunTypes are the places where images derived from INGInious' own say the same.
var pythonRunTypes = []string{
	"/usr/lib/python3*/site-packages/inginious_container_api/run_types.py",
	"/usr/local/lib/python3*/site-packages/inginious_container_api/run_types.py",
}

// extraRunTypes reads the image's own run types, which come after those in known.
func (j *job) extraRunTypes(known []runType) []runType {
	var extra []runType
	add := func(ext string, command []string) {
		same := func(t runType) bool { return t.ext == ext }
		if ext == "" || len(command) == 0 || slices.ContainsFunc(known, same) || slices.ContainsFunc(extra, same) {
			return
		}
		extra = append(extra, runType{ext, command})
	}
	for _, line := range j.lines(runTypesFile) {
		if words, err := pytext.Words(line); err == nil && len(words) > 1 && !strings.HasPrefix(line, "#") {
			add(words[0], words[1:])
		}
	}
	for _, pattern := range pythonRunTypes {
		paths, _ := filepath.Glob(j.root + pattern)
		for _, path := range paths {
			for _, line := range j.lines(strings.TrimPrefix(path, j.root)) {
				add(assignment(line))
			}
		}
	}
	return extra
}

func (j *job) lines(path string) []string {
	b, err := os.ReadFile(j.root + path)
	if err != nil {
		return nil
	}
	return pytext.Lines(pytext.Clean(b))
}

// assignment understands a line of Python such as
//
//	run_types["rb"] = ["/usr/bin/ruby", "-w"]
//
// with a list of texts or one text on the right, and no other line.
func assignment(line string) (ext string, command []string) {
	left, right, ok := strings.Cut(line, "=")
	_, key, ok2 := strings.Cut(left, "[")
	key, _, ok3 := strings.Cut(key, "]")
	if !ok || !ok2 || !ok3 || strings.HasPrefix(left, " ") || strings.HasPrefix(left, "#") {
		return "", nil
	}
	quoted := func(s string) (any, error) { return pyjson.Parse(strings.ReplaceAll(s, "'", `"`)) }
	k, err := quoted(strings.TrimSpace(key))
	if err != nil {
		return "", nil
	}
	v, err := quoted(strings.TrimSpace(right))
	if err != nil {
		return "", nil
	}
	ext, _ = k.(string)
	if text, ok := v.(string); ok {
		return ext, []string{text}
	}
	list, _ := v.([]any)
	for _, e := range list {
		text, ok := e.(string)
		if !ok {
			return "", nil
		}
		command = append(command, text)
	}
	return ext, command
}
