package wiretest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

//go:embed testdata/vectors.jsonl.gz testdata/vectors_reject.jsonl.gz
var recorded embed.FS

// Vector is a frame that the original Python code made or judged (PROTOCOL.md 10).
// Accepted is nil for a frame that it made.
type Vector struct {
	Gen      string          // version of the Python code, such as 0.9.3 or HEAD
	Type     string          // class name, or container:<frame type>
	Name     string          // unique within Gen
	Channel  string          // container frames: who sends it to whom
	Framing  string          // container frames: the length prefix, if any
	Hex      string          // the bytes
	Fields   json.RawMessage // a JSON view of the contents
	Accepted *bool           // what the original decoder said
}

// Frame returns the bytes.
func (v Vector) Frame(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(v.Hex)
	if err != nil {
		t.Fatalf("%s %s: %v", v.Gen, v.Name, err)
	}
	return b
}

// Generation returns the generation that the version of v speaks.
func (v Vector) Generation(t testing.TB) wire.Generation {
	t.Helper()
	var minor, patch int
	if v.Gen == "HEAD" {
		return wire.GH
	}
	if _, err := fmt.Sscanf(v.Gen, "0.%d.%d", &minor, &patch); err != nil {
		t.Fatalf("%s: unknown version %q", v.Name, v.Gen)
	}
	switch {
	case minor <= 5:
		return wire.G5
	case minor == 6:
		return wire.G6
	case minor == 7:
		return wire.G7
	case minor == 8 && patch == 0:
		return wire.G8a
	case minor == 8 && patch <= 5:
		return wire.G8b
	}
	return wire.G9
}

// VectorFile is a file of vectors.
type VectorFile struct {
	Name    string
	Vectors []Vector
}

// VectorFiles returns the recorded vectors, and behind them each file
// vectors*.jsonl in the folder that the environment variable INGOT_CASES names.
// Nobody may change them.
func VectorFiles(t testing.TB) []VectorFile {
	t.Helper()
	files, err := vectorFiles()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// vectorFiles reads once for all tests of a package: it takes a while.
var vectorFiles = sync.OnceValues(func() ([]VectorFile, error) {
	var files []VectorFile
	for _, name := range []string{"testdata/vectors.jsonl.gz", "testdata/vectors_reject.jsonl.gz"} {
		packed, err := recorded.Open(name)
		if err != nil {
			return nil, err
		}
		r, err := gzip.NewReader(packed)
		if err != nil {
			return nil, err
		}
		file, err := readVectors(name, r)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	names, err := CaseFiles("vectors*.jsonl")
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		file, err := readVectors(name, bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, err
})

func readVectors(name string, r io.Reader) (VectorFile, error) {
	file := VectorFile{Name: name}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var v Vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			return file, fmt.Errorf("%s: line %d: %w", name, len(file.Vectors)+1, err)
		}
		file.Vectors = append(file.Vectors, v)
	}
	if err := lines.Err(); err != nil {
		return file, fmt.Errorf("%s: %w", name, err)
	}
	if len(file.Vectors) == 0 {
		return file, fmt.Errorf("%s: no vectors", name)
	}
	return file, nil
}
