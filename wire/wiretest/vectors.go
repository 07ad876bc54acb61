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
	"path/filepath"
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
func VectorFiles(t testing.TB) []VectorFile {
	t.Helper()
	var files []VectorFile
	for _, name := range []string{"testdata/vectors.jsonl.gz", "testdata/vectors_reject.jsonl.gz"} {
		packed, err := recorded.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, VectorFile{name, readVectors(t, name, r)})
	}
	dir := os.Getenv("INGOT_CASES")
	if dir == "" {
		return files
	}
	names, err := filepath.Glob(filepath.Join(dir, "vectors*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, VectorFile{name, readVectors(t, name, bytes.NewReader(b))})
	}
	return files
}

func readVectors(t testing.TB, name string, r io.Reader) []Vector {
	t.Helper()
	var vectors []Vector
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var v Vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s: line %d: %v", name, len(vectors)+1, err)
		}
		vectors = append(vectors, v)
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(vectors) == 0 {
		t.Fatalf("%s: no vectors", name)
	}
	return vectors
}
