package app

import (
	"fmt"

	"github.com/ingot-grading/ingot/wire"
)

// Limits is the flags that bound what a peer may send. A program's configuration
// embeds it by value. Zero fields, which no command line gives, mean the defaults
// of packages wire and zmtp.
type Limits struct {
	MaxMessage int64 `default:"268435456" help:"Bytes of the longest message taken. A longer job or result is answered with a crash."`
	MaxDepth   int   `default:"512" help:"How deep arrays and maps of a message may be nested."`
	MaxItems   int   `default:"65536" help:"Entries of the arrays and maps of a message that are looked into."`
}

// overhead is how much longer a message may get when it is passed on.
const overhead = 64 << 10

// Wire returns the limits of one message. The error names the flag that is wrong.
func (l Limits) Wire() (wire.Limits, error) {
	for flag, n := range map[string]int64{
		"--max-message": l.MaxMessage, "--max-depth": int64(l.MaxDepth), "--max-items": int64(l.MaxItems),
	} {
		if n < 0 {
			return wire.Limits{}, fmt.Errorf("%s %d: less than nothing", flag, n)
		}
	}
	limits := wire.Limits{Depth: l.MaxDepth, Items: l.MaxItems}
	if l.MaxMessage > 0 {
		limits.Frame = int(l.MaxMessage) + overhead
	}
	return limits, nil
}
