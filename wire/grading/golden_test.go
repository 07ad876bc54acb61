package grading_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire/frame"
	"github.com/ingot-grading/ingot/wire/grading"
	"github.com/ingot-grading/ingot/wire/wiretest"
)

// Every recorded frame of a container decodes and encodes again to the same
// bytes. Those of the student's unix socket belong to wire/student.
func TestVectors(t *testing.T) {
	for _, file := range wiretest.VectorFiles(t) {
		n := 0
		for _, v := range file.Vectors {
			if strings.HasPrefix(v.Type, "container:") && !strings.HasPrefix(v.Channel, "unix:") {
				checkVector(t, v)
				n++
			}
		}
		fmt.Fprintf(t.Output(), "frames of containers: %d of %s\n", n, file.Name)
	}
}

func checkVector(t *testing.T, v wiretest.Vector) {
	t.Helper()
	body := unframe(t, v)
	m, err := grading.Decode(body)
	if err != nil {
		t.Errorf("%s %s: %v", v.Gen, v.Name, err)
		return
	}
	again, err := grading.Append([]byte("before"), m)
	if err != nil || !bytes.Equal(again, append([]byte("before"), body...)) {
		t.Errorf("%s %s: encoded again: %v\n got %x\nwant %x", v.Gen, v.Name, err, again[6:], body)
	}
	h, err := grading.Peek(body)
	if err != nil || "container:"+string(h.Kind) != v.Type {
		t.Errorf("%s %s: peeked %q, %v", v.Gen, v.Name, h.Kind, err)
	}
}

// unframe returns the message inside a recorded frame.
func unframe(t *testing.T, v wiretest.Vector) []byte {
	t.Helper()
	b := v.Frame(t)
	switch v.Framing {
	case "u32-be":
		f, err := frame.NewReader(bytes.NewReader(b), len(b)).Next()
		if err != nil || len(f)+4 != len(b) {
			t.Fatalf("%s %s: %v", v.Gen, v.Name, err)
		}
		return f
	case "u32-le": // images before 0.8
		if int(binary.LittleEndian.Uint32(b)) != len(b)-4 {
			t.Fatalf("%s %s: wrong length", v.Gen, v.Name)
		}
		return b[4:]
	}
	return b
}
