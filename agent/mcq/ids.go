package mcq

import "unicode/utf8"

// validID tells whether id may name a problem: letters, digits, "-", "." and
// "_" (PROTOCOL.md 7.4). Python's matching adds the letters that fold to ASCII
// ones, and one newline at the end.
func validID(id []byte) bool {
	if n := len(id); n > 0 && id[n-1] == '\n' {
		id = id[:n-1]
	}
	for rest := id; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		case r == '-', r == '.', r == '_':
		case r == 'İ', r == 'ı', r == 'ſ', r == '\u212a':
		default:
			return false
		}
	}
	return len(id) > 0
}

// appendStateKey appends a valid id as Python's json.dumps writes it.
func appendStateKey(b, id []byte) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for len(id) > 0 {
		r, size := utf8.DecodeRune(id)
		id = id[size:]
		switch {
		case r == '\n':
			b = append(b, `\n`...)
		case r < utf8.RuneSelf:
			b = append(b, byte(r))
		default: // all within the basic plane
			b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		}
	}
	return append(b, '"')
}

// allowedPath tells whether id may be a part of a path below the tasks
// directory (PROTOCOL.md 7.1). Slashes inside address a deeper directory.
func allowedPath(id string) bool {
	if id == "" || id[0] == '/' || len(id) > maxPathPart {
		return false
	}
	for i := range len(id) {
		if id[i] == 0 || id[i] == '.' && i+1 < len(id) && id[i+1] == '.' {
			return false
		}
	}
	return len(trimSpace([]byte(id), blankOfStrip)) == len(id)
}

// maxPathPart bounds a course or task id, in bytes; longer ones name nothing on Linux.
const maxPathPart = 1024

// allowedLang tells whether lang may name a catalogue: it becomes a file's name.
func allowedLang(lang []byte) bool {
	for _, c := range lang {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '@':
		default:
			return false
		}
	}
	return len(lang) > 0 && len(lang) <= 32
}
