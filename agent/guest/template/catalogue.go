package template

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// langDir holds templates and catalogues by language.
const langDir = "/task/lang"

// maxCatalogue is the largest catalogue that is read, in bytes.
const maxCatalogue = 32 << 20

var errCatalogue = errors.New("not a catalogue of messages")

// catalogue translates messages: the first of its parts that knows one counts.
type catalogue []map[string]string

func (c catalogue) translate(message string) string {
	for _, part := range c {
		if t, ok := part[message]; ok {
			return t
		}
	}
	return message
}

// loadCatalogue reads all catalogues for a list of languages, separated by
// colons, below root. Broken ones are left out; the error tells of them.
func loadCatalogue(root, languages string) (catalogue, error) {
	var c catalogue
	var broken error
	seen := make(map[string]bool)
	for l := range strings.SplitSeq(languages, ":") {
		for _, dir := range expand(l) {
			if dir == "" || seen[dir] || strings.Contains(dir, "/") {
				continue
			}
			seen[dir] = true
			path := filepath.Join(root+langDir, dir, "LC_MESSAGES", "messages.mo")
			st, err := os.Stat(path)
			if err != nil {
				continue
			}
			part, err := readCatalogue(path, st.Size())
			if err != nil {
				broken = errors.Join(broken, fmt.Errorf("read %s: %w", path, err))
				continue
			}
			c = append(c, part)
		}
	}
	return c, broken
}

func readCatalogue(path string, size int64) (map[string]string, error) {
	if size > maxCatalogue {
		return nil, errCatalogue
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseMO(b)
}

// parseMO reads a catalogue in the format of GNU gettext, of either byte order.
// Of a message with plural forms the first one is taken.
func parseMO(b []byte) (map[string]string, error) {
	if len(b) < 20 {
		return nil, errCatalogue
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch binary.BigEndian.Uint32(b) {
	case 0xde120495:
	case 0x950412de:
		order = binary.BigEndian
	default:
		return nil, errCatalogue
	}
	u32 := func(at uint64) uint64 {
		if at+4 > uint64(len(b)) {
			return 1 << 40 // beyond any file, so that its use is refused
		}
		return uint64(order.Uint32(b[at:]))
	}
	entry := func(table, i uint64) (string, bool) {
		n, at := u32(table+8*i), u32(table+8*i+4)
		if at+n > uint64(len(b)) {
			return "", false
		}
		return string(b[at : at+n]), true
	}
	count, originals, translations := u32(8), u32(12), u32(16)
	if count > uint64(len(b))/16 {
		return nil, errCatalogue
	}
	m := make(map[string]string, count)
	for i := range count {
		id, ok := entry(originals, i)
		text, ok2 := entry(translations, i)
		if !ok || !ok2 {
			return nil, errCatalogue
		}
		id, _, plural := strings.Cut(id, "\x00")
		if plural {
			text, _, _ = strings.Cut(text, "\x00")
		}
		m[id] = text
	}
	return decode(m)
}

// decode turns the texts into UTF-8, from the charset that the header names.
func decode(m map[string]string) (map[string]string, error) {
	_, charset, _ := strings.Cut(strings.ToLower(m[""]), "charset=")
	charset, _, _ = strings.Cut(charset, "\n")
	switch strings.TrimSpace(charset) {
	case "iso-8859-1", "latin-1", "latin1":
		latin := make(map[string]string, len(m))
		for id, text := range m {
			latin[fromLatin1(id)] = fromLatin1(text)
		}
		return latin, nil
	}
	for id, text := range m {
		if !utf8.ValidString(id) || !utf8.ValidString(text) {
			return nil, errCatalogue
		}
	}
	return m, nil
}

func fromLatin1(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}
