package grade

import (
	"io"
	"strings"
	"testing"
)

// Of all that a container writes to its stderr only the end is kept, and no more
// memory is used.
func TestTailKeepsTheEnd(t *testing.T) {
	var s tail
	s.follow(io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), strings.NewReader("the end")))
	s.wait(t.Context())
	text := s.String()
	if !strings.HasPrefix(text, "…x") || !strings.HasSuffix(text, "xthe end") || len(text) != tailSize+len("…") {
		t.Errorf("kept %d bytes: %.10q", len(text), text)
	}
	if cap(s.kept) > 1<<17 {
		t.Errorf("%d bytes of memory", cap(s.kept))
	}
	var short tail
	short.follow(strings.NewReader("all"))
	short.wait(t.Context())
	if text := short.String(); text != "all" {
		t.Errorf("kept %q", text)
	}
}
