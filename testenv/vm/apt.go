package vm

import (
	"bufio"
	"io"
	"slices"
	"strings"
)

// source is one place that apt takes packages from.
type source struct {
	uri        string
	suites     []string
	components []string
	signedBy   string // path of a keyring, "" if none is named
}

// parseSources reads the deb822 form (".sources"). Stanzas that are disabled or
// have no binary packages are left out, and so is a key inside the file itself:
// apt knows it, others cannot be told of it.
func parseSources(r io.Reader) ([]source, error) {
	var (
		out   []source
		field = map[string]string{}
		last  string
	)
	flush := func() {
		types := strings.Fields(field["types"])
		if slices.Contains(types, "deb") && !isNo(field["enabled"]) {
			for uri := range strings.FieldsSeq(field["uris"]) {
				out = append(out, source{
					uri:        strings.TrimSuffix(uri, "/"),
					suites:     strings.Fields(field["suites"]),
					components: strings.Fields(field["components"]),
					signedBy:   keyring(strings.Fields(field["signed-by"])),
				})
			}
		}
		clear(field)
		last = ""
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			flush()
		case line[0] == ' ' || line[0] == '\t':
			field[last] += " " + strings.TrimSpace(line)
		default:
			name, value, _ := strings.Cut(line, ":")
			last = strings.ToLower(strings.TrimSpace(name))
			field[last] = strings.TrimSpace(value)
		}
	}
	flush()
	return out, lines.Err()
}

// parseList reads the one-line form (".list"): deb [options] uri suite component…
func parseList(r io.Reader) ([]source, error) {
	var out []source
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		rest, isDeb := strings.CutPrefix(strings.TrimSpace(line), "deb")
		if !isDeb || rest == "" || strings.TrimLeft(rest, " \t") == rest {
			continue // empty, deb-src or no source at all
		}
		rest = strings.TrimSpace(rest)
		var signedBy string
		if options, after, ok := strings.Cut(rest, "]"); ok && options[0] == '[' {
			rest = after
			for option := range strings.FieldsSeq(options[1:]) {
				if path, ok := strings.CutPrefix(option, "signed-by="); ok {
					signedBy = keyring(strings.Split(path, ","))
				}
			}
		}
		words := strings.Fields(rest)
		if len(words) < 2 {
			continue
		}
		out = append(out, source{
			uri:        strings.TrimSuffix(words[0], "/"),
			suites:     words[1:2],
			components: words[2:],
			signedBy:   signedBy,
		})
	}
	return out, lines.Err()
}

func isNo(value string) bool {
	return slices.Contains([]string{"no", "false", "without", "off", "disable"}, strings.ToLower(value))
}

// keyring returns the first word that is a path.
func keyring(words []string) string {
	for _, w := range words {
		if strings.HasPrefix(w, "/") {
			return w
		}
	}
	return ""
}

// mainArchive picks the source of the distribution itself: the one with the
// release's own suite and the component main. Others carry suites of their own
// ("bookworm-pgdg") or their own components ("stable").
func mainArchive(all []source, codename string) (source, bool) {
	i := slices.IndexFunc(all, func(s source) bool {
		return slices.Contains(s.suites, codename) && slices.Contains(s.components, "main") &&
			(strings.HasPrefix(s.uri, "http://") || strings.HasPrefix(s.uri, "https://"))
	})
	if i < 0 {
		return source{}, false
	}
	return all[i], true
}
