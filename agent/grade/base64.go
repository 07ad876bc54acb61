package grade

import (
	"encoding/base64"
	"errors"
	"fmt"
)

var errPadding = errors.New("Incorrect padding") //nolint:staticcheck // Python's words, shown as they are

// decodeArchive decodes base64 as leniently as Python does: characters outside
// the alphabet are skipped, what follows a complete padding is ignored
// (PROTOCOL.md 7.3).
func decodeArchive(text string) ([]byte, error) {
	if b, err := base64.StdEncoding.DecodeString(text); err == nil {
		return b, nil
	}
	var clean []byte
	pads := 0
	for i := range len(text) {
		c := text[i]
		if c == '=' {
			pads++
			if n := len(clean) % 4; n >= 2 && n+pads >= 4 {
				return base64.RawStdEncoding.DecodeString(string(clean))
			}
			continue
		}
		if isBase64(c) {
			clean, pads = append(clean, c), 0
		}
	}
	switch len(clean) % 4 {
	case 0:
		return base64.RawStdEncoding.DecodeString(string(clean))
	case 1:
		return nil, fmt.Errorf("Invalid base64-encoded string: number of data characters (%d) cannot be 1 more than a multiple of 4", len(clean)) //nolint:staticcheck // Python's words
	}
	return nil, errPadding
}

func isBase64(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}
