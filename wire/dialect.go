package wire

import (
	"fmt"
	"strings"
)

// Generation is a dialect of the protocol (PROTOCOL.md 1.5).
type Generation uint8

// The generations, oldest first. Later ones compare greater.
const (
	G5  Generation = iota + 1 // 0.5
	G6                        // 0.6
	G7                        // 0.7
	G8a                       // 0.8.0
	G8b                       // 0.8.1 to 0.8.5
	G9                        // 0.8.6 to 0.9.3
	GH                        // head
)

var generationNames = [...]string{"unknown", "0.5", "0.6", "0.7", "0.8.0", "0.8", "0.9", "head"}

// String returns the name that [ParseGeneration] reads.
func (g Generation) String() string {
	if g > GH {
		g = 0
	}
	return generationNames[g]
}

// ParseGeneration reads the name of a generation: 0.5, 0.6, 0.7, 0.8.0, 0.8
// (for 0.8.1 to 0.8.5), 0.9 (which 0.8.6 to 0.8.9 speak too) or head.
func ParseGeneration(name string) (Generation, error) {
	for g := G5; g <= GH; g++ {
		if name == generationNames[g] {
			return g, nil
		}
	}
	return 0, fmt.Errorf("unknown generation %q, want one of %s", name, strings.Join(generationNames[1:], ", "))
}

// generations is a set of generations.
type generations uint8

const (
	legacy  = generations(1<<G5 | 1<<G6)                           // discriminator "type"
	current = generations(1<<G7 | 1<<G8a | 1<<G8b | 1<<G9 | 1<<GH) // discriminator "@type"
)

func only(gs ...Generation) (set generations) {
	for _, g := range gs {
		set |= 1 << g
	}
	return set
}

func (s generations) has(g Generation) bool { return s>>g&1 != 0 }

// newest returns the greatest member of a set that is not empty.
func (s generations) newest() Generation {
	g := GH
	for !s.has(g) {
		g--
	}
	return g
}

// Dialect is how one peer spells messages. It belongs to the goroutine that
// talks with that peer.
type Dialect struct {
	gen    Generation  // what is spoken: the newest of known
	known  generations // what the peer can be, after all it sent
	learns bool
	lim    Limits

	// Of the frame being decoded:
	entries [maxFields]entry
	hint    generations // what the contents of fields say about the generation
	flat    flatParameters
	items   int // how many may still be built

	names strings.Builder // see keep
}

// NewDialect returns the dialect of a peer known to speak g. It decodes as
// strictly as Python does: what another generation spells differently is refused.
func NewDialect(g Generation, lim Limits) *Dialect {
	g = min(max(g, G5), GH)
	return &Dialect{gen: g, known: only(g), lim: lim.withDefaults()}
}

// NewLearner returns a server's dialect of a peer not heard of yet. It starts as
// the newest generation and narrows with each message decoded (PROTOCOL.md 1.10).
// Where the bytes leave a choice, it speaks the newest that is left. An agent
// knows its backend's generation from its configuration: what backends send is
// too little to learn from.
func NewLearner(lim Limits) *Dialect {
	return &Dialect{gen: GH, known: legacy | current, learns: true, lim: lim.withDefaults()}
}

// SetLimits replaces the limits for the frames to come.
func (d *Dialect) SetLimits(lim Limits) { d.lim = lim.withDefaults() }

// Generation returns what is known so far.
func (d *Dialect) Generation() Generation { return d.gen }

// Candidates returns the generations that the peer may speak after all that was
// decoded from it, oldest first.
func (d *Dialect) Candidates() []Generation {
	var gs []Generation
	for g := G5; g <= GH; g++ {
		if d.known.has(g) {
			gs = append(gs, g)
		}
	}
	return gs
}

// narrow takes in what one message tells: fields is what its fields allow, hint
// what they contain. A hint that contradicts is ignored, as a server has to be
// tolerant there.
func (d *Dialect) narrow(fields, hint generations) {
	if !d.learns {
		return
	}
	d.known &= fields
	if d.known&hint != 0 {
		d.known &= hint
	}
	d.gen = d.known.newest()
}

// nameChunk is how much room for names is made at once.
const nameChunk = 1024

// keep returns b as a string that does not hold the frame in memory. Names and
// ids outlive their message, and the frame may be a large archive. They are cut
// from chunks, so that decoding them does not allocate most of the time.
func (d *Dialect) keep(b []byte) string {
	if len(b) > nameChunk/4 {
		return string(b)
	}
	if d.names.Cap()-d.names.Len() < len(b) {
		d.names = strings.Builder{}
		d.names.Grow(nameChunk)
	}
	start := d.names.Len()
	d.names.Write(b)
	return d.names.String()[start:]
}
