package wire_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

// However a way into a container is printed or logged, its password is not.
func TestPasswordsDoNotPrint(t *testing.T) {
	way := wire.SSH{Host: "grader.example.org", Port: 64120, User: "worker", Password: "Tr0ub4dor"}
	for _, v := range []any{
		way, &way, fmt.Errorf("the way %v", way),
		wire.BackendJobSSHDebug{SSH: way}, &wire.BackendJobSSHDebug{SSH: way}, &wire.AgentJobSSHDebug{SSH: way}, wire.AgentJobSSHDebug{SSH: way},
	} {
		var out strings.Builder
		fmt.Fprintf(&out, "%v %+v %#v %s\n", v, v, v, v)
		opts := &slog.HandlerOptions{Level: slog.LevelDebug}
		slog.New(slog.NewTextHandler(&out, opts)).Debug("text", "way", v)
		slog.New(slog.NewJSONHandler(&out, opts)).Debug("json", "way", v)
		if strings.Contains(out.String(), way.Password) {
			t.Errorf("%T: %s", v, out.String())
		}
		if n := strings.Count(out.String(), "worker@grader.example.org:64120"); n != 6 {
			t.Errorf("%T: the way is said %d times in %s", v, n, out.String())
		}
	}
}
