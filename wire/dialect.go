package wire

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

// Dialect is how one peer spells messages. It belongs to the goroutine that
// talks with that peer.
type Dialect struct {
	gen    Generation
	learns bool
	lim    Limits
}

// NewDialect returns the dialect of a peer known to speak g.
func NewDialect(g Generation, lim Limits) *Dialect { return &Dialect{gen: g, lim: lim} }

// NewLearner returns the dialect of a peer not heard of yet. It starts as the
// newest generation and narrows with each message decoded (PROTOCOL.md 1.10).
func NewLearner(lim Limits) *Dialect { return &Dialect{gen: GH, learns: true, lim: lim} }

// Generation returns what is known so far.
func (d *Dialect) Generation() Generation { return d.gen }
