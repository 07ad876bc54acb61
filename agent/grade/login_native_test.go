//go:build native

package grade

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/sandboxtest"
	"github.com/ingot-grading/ingot/wire/frame"
	"github.com/ingot-grading/ingot/wire/grading"
)

// A grader that offers what is not its job's ends the job, and one that offers
// what nobody asked for is not heard.
func TestGradersThatOfferLogins(t *testing.T) {
	for name, c := range map[string]struct {
		offer        grading.Message
		status, text string
	}{
		"its own, unasked": {&grading.SSHDebug{User: "worker", Key: secret}, "success", ""},
		"another job's":    {&grading.SSHStudent{User: "worker", Key: secret, ContainerID: "ingot-other-s1-c"}, "crash", "SSH"},
		"no student":       {&grading.RunStudent{SocketID: "p1", SSH: true}, "crash", "SSH"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, func(context.Context, sandboxtest.Call, sandbox.Spec) error { return nil })
				f.grader = func(ctx context.Context, in *frame.Reader, out *frame.Writer) int {
					say(out, c.offer)
					code := succeed(ctx, in, out)
					if c.status != "success" {
						return hang(ctx, in, out)
					}
					return code
				}
				up := new(once)
				res := f.exec.Run(t.Context(), f.job(false), up)
				if res.Status != c.status || !strings.Contains(res.Text, c.text) || len(up.ways) > 0 {
					t.Errorf("%s %q, announced %v", res.Status, res.Text, up.ways)
				}
				f.close()
			})
		})
	}
}
