package runtimes

import (
	"strings"

	"github.com/alecthomas/kong"

	"github.com/ingot-grading/ingot/oci"
)

// Selection are the flags that choose runtimes. Programs embed them.
type Selection struct {
	Runtime       Choices           `placeholder:"NAME [ENVTYPE [root] [shared]]" help:"OCI runtime to offer, as an environment type other than its own if one is given: crun, runc, kata, runsc, nvidia, or with ENVTYPE a handler of containerd or a program like runc; repeatable. Elsewhere than on the command line its words are joined by commas, and several by semicolons. All that are installed if not given."`
	RuntimeConfig map[string]string `placeholder:"NAME=FILE" mapsep:";" help:"Configuration file for the shim of kata, runsc or another handler that is no program like runc; repeatable, or several joined by semicolons."`
}

// Choices are the runtimes of all --runtime, in order.
type Choices []oci.Runtime

var _ kong.MapperValue = (*Choices)(nil)

// mostWords is what a --runtime has at most.
const mostWords = 4

// Decode implements [kong.MapperValue]. Like the Python agent's, the flag takes
// the words up to the next flag, but never more than it can have, nor an address.
// What is one word for the command line, as --runtime=runc,docker, or comes from
// elsewhere has commas, and semicolons between choices.
func (c *Choices) Decode(ctx *kong.DecodeContext) error {
	if !ctx.Scan.Peek().IsValue() {
		_, err := oci.ChooseRuntime() // which says what is wanted
		return err
	}
	first := ctx.Scan.Pop()
	line := first.String()
	if first.Type == kong.UntypedToken {
		n := 1
		for ; n < mostWords && isWord(ctx.Scan.Peek()); n++ {
			line += "," + ctx.Scan.Pop().String()
		}
	}
	for one := range strings.SplitSeq(line, ";") {
		words := strings.FieldsFunc(one, func(r rune) bool { return r == ',' || r == ' ' })
		r, err := oci.ChooseRuntime(words...)
		if err != nil {
			return err
		}
		*c = append(*c, r)
	}
	return nil
}

func isWord(t kong.Token) bool {
	return t.Type == kong.UntypedToken && t.IsValue() && !strings.Contains(t.String(), "://")
}
