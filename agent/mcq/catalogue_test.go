package mcq

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

func translate(c *catalogue, text string) string { return string(c.append(nil, []byte(text), false)) }

func TestReadCatalogue(t *testing.T) {
	pairs := []string{"", "Plural-Forms: nplurals=1; plural=(((n;\nX: y\n", "a", "A", "b\x00bs", "B\x00BS",
		"menu\x04c", "C", "d", "", "é", "É"}
	for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		t.Run(name, func(t *testing.T) {
			c, err := readCatalogue(moFile(order, pairs...))
			if err != nil {
				t.Fatal(err)
			}
			for text, want := range map[string]string{"a": "A", "b": "B", "c": "c", "d": "d", "é": "É", "z": "z", "": ""} {
				if got := translate(c, text); got != want {
					t.Errorf("%q becomes %q, want %q", text, got, want)
				}
			}
			if got := string(c.append(nil, nil, true)); got != pairs[1] {
				t.Errorf("the header is %q", got)
			}
		})
	}
}

// A stranger's plural rule is not for the library to compile.
func TestReadCatalogueTakesTheHeaderOut(t *testing.T) {
	file := moFile(binary.LittleEndian, "", "Plural-Forms: x", "a", "A")
	header, err := checkMO(file)
	if left := binary.LittleEndian.Uint32(file[28+8*2:]); err != nil || header != "Plural-Forms: x" || left != 0 {
		t.Errorf("the header is %q, %v, and %d bytes of it are left", header, err, left)
	}
}

// The library stops at a text that lies at the very end of the file.
func TestReadCatalogueEmptyTextAtEnd(t *testing.T) {
	file := moFile(binary.LittleEndian, "b", "", "a", "A")
	binary.LittleEndian.PutUint32(file[28+8*2+4:], uint32(len(file)))
	c, err := readCatalogue(file)
	if err != nil || translate(c, "a") != "A" {
		t.Errorf("a becomes %q, %v", translate(c, "a"), err)
	}
}

// What a .mo file says of itself is not believed. Each of these made the
// library allocate without end, panic, or stop without a word.
func TestReadCatalogueRefuses(t *testing.T) {
	good := moFile(binary.LittleEndian, "a", "A", "b", "B")
	with := func(at int, v uint32) []byte {
		b := bytes.Clone(good)
		binary.LittleEndian.PutUint32(b[at:], v)
		return b
	}
	many := make([]string, 0, 4000)
	for i := range 1000 {
		many = append(many, strings.Repeat("x", i+1), "y")
	}
	overlap := moFile(binary.LittleEndian, many...)
	for i := range 1000 { // every translation is the whole file
		binary.LittleEndian.PutUint32(overlap[28+8*1000+8*i:], uint32(len(overlap)))
		binary.LittleEndian.PutUint32(overlap[28+8*1000+8*i+4:], 0)
	}
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"empty":           {nil, errNotMO},
		"text":            {[]byte(strings.Repeat("msgid ", 10)), errNotMO},
		"short":           {good[:27], errNotMO},
		"version":         {with(4, 2<<16), errNotMO},
		"minor version":   {with(4, 2), errNotMO},
		"count":           {with(8, 0xffffffff), errLayout},
		"tables overlap":  {with(16, 36), errLayout},
		"over the header": {with(12, 8), errLayout},
		"ids outside":     {with(12, 0xfffffff0), errLayout},
		"texts outside":   {with(16, uint32(len(good)-8)), errLayout},
		"id too long":     {with(28, 0x7fffffff), errLayout},
		"negative length": {with(28+16, 0xffffffff), errLayout},
		"negative offset": {with(28+16+4, 0xffffffff), errLayout},
		"overlapping":     {overlap, errOversized},
		"separator first": {moFile(binary.LittleEndian, "\x00a", "A"), errControl},
		"context first":   {moFile(binary.LittleEndian, "\x04", "A"), errControl},
	} {
		if _, err := readCatalogue(bytes.Clone(c.file)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzReadCatalogue(f *testing.F) {
	f.Add(moFile(binary.LittleEndian, "", "Plural-Forms: plural=n", "a", "A"))
	f.Add(moFile(binary.BigEndian, "a\x00b", "A\x00B", "c\x04d", "D"))
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := readCatalogue(bytes.Clone(file))
		if err != nil {
			return
		}
		if c.cost > 4*maxCatalogue+64*len(file) {
			t.Errorf("%d bytes cost %d", len(file), c.cost)
		}
		for id, text := range c.texts {
			if id == "" || !bytes.Contains(file, []byte(id)) || !bytes.Contains(file, []byte(text)) {
				t.Errorf("%q → %q is not from the file", id, text)
			}
		}
	})
}
