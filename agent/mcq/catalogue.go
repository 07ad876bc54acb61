package mcq

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/leonelquinteros/gotext"
)

// maxCatalogue bounds one catalogue: its file, and the sum of its texts.
const maxCatalogue = 4 << 20

// catalogue is a task's translations into one language. It never changes. A nil
// catalogue leaves texts as they are.
type catalogue struct {
	texts  map[string]string
	header string // the translation of the empty text
	cost   int    // of keeping it, in bytes
}

// append appends the translation of text, or text.
func (c *catalogue) append(b, text []byte, emptyIsHeader bool) []byte {
	if c == nil {
		return append(b, text...)
	}
	if len(text) == 0 && emptyIsHeader {
		return append(b, c.header...)
	}
	if t, ok := c.texts[string(text)]; ok {
		return append(b, t...)
	}
	return append(b, text...)
}

// readCatalogue reads a GNU gettext .mo file, which becomes its own to change.
// Texts are taken as UTF-8, whatever charset the file names.
func readCatalogue(file []byte) (*catalogue, error) {
	c := &catalogue{texts: map[string]string{}}
	var err error
	if c.header, err = checkMO(file); err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	mo := gotext.NewMo()
	mo.Parse(append(file, 0)) // lest an empty text at the very end be taken for the file's end
	for id, tr := range mo.GetDomain().GetTranslations() {
		if text := tr.Trs[0]; id != "" && text != "" {
			c.texts[id] = text
			c.cost += len(id) + len(text) + 64
		}
	}
	c.cost += len(c.header)
	return c, nil
}

// moHeader is the length of what a .mo file starts with.
const moHeader = 28

var (
	errNotMO     = errors.New("not a .mo file")
	errLayout    = errors.New("a table or a text lies where it cannot")
	errOversized = errors.New("the texts are too long")
	errControl   = errors.New("a message starts with a separator")
)

// checkMO refuses what the gettext library would believe: it allocates by the
// numbers in the file, and panics or stops silently at wrong ones. It also takes
// the header out of the file and returns it, so that the library does not
// compile the plural rule of a stranger, which nothing here uses.
func checkMO(file []byte) (header string, err error) {
	if len(file) < moHeader {
		return "", errNotMO
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch order.Uint32(file) {
	case gotext.MoMagicLittleEndian:
	case gotext.MoMagicBigEndian:
		order = binary.BigEndian
	default:
		return "", errNotMO
	}
	if revision := order.Uint32(file[4:]); revision>>16 > 1 || revision&0xffff > 1 {
		return "", errNotMO
	}
	count := order.Uint32(file[8:])
	if count > uint32(len(file)/16) {
		return "", errLayout
	}
	idsAt, trsAt := order.Uint32(file[12:]), order.Uint32(file[16:])
	ids, ok1 := slice(file, idsAt, count*8)
	trs, ok2 := slice(file, trsAt, count*8)
	apart := max(idsAt, trsAt)-min(idsAt, trsAt) >= count*8 && min(idsAt, trsAt) >= moHeader
	if !ok1 || !ok2 || !apart { // apart: taking the header out must change nothing else
		return "", errLayout
	}
	sum := 0
	for i := uint32(0); i < count*8; i += 8 {
		id, ok1 := slice(file, order.Uint32(ids[i+4:]), order.Uint32(ids[i:]))
		tr, ok2 := slice(file, order.Uint32(trs[i+4:]), order.Uint32(trs[i:]))
		if !ok1 || !ok2 {
			return "", errLayout
		}
		if sum += len(id) + len(tr); sum > maxCatalogue {
			return "", errOversized
		}
		if len(id) == 0 {
			header = string(tr)
			order.PutUint32(trs[i:], 0)
		} else if id[0] == 0 || id[0] == gotext.EotSeparator[0] {
			return "", errControl // would be a header to the library
		}
	}
	return header, nil
}

// slice returns length bytes of file from offset on.
func slice(file []byte, offset, length uint32) ([]byte, bool) {
	end := uint64(offset) + uint64(length)
	if end > uint64(len(file)) {
		return nil, false
	}
	return file[offset:end], true
}
