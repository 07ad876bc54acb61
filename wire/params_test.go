package wire_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

func limited(t *testing.T, pairs ...any) wire.Raw {
	return message(t, "limits", wire.Raw(message(t, pairs...)))
}

// Numbers are read as Python's int() reads them.
func TestParameterNumbers(t *testing.T) {
	const most, least = math.MaxInt64, math.MinInt64
	for _, c := range []struct {
		value any
		want  int64
		ok    bool
	}{
		{30, 30, true}, {-1, -1, true}, {uint64(math.MaxUint64), most, true}, {2.9, 2, true}, {-2.9, -2, true},
		{1e300, most, true}, {-1e300, least, true}, {true, 1, true}, {false, 0, true},
		{"30", 30, true}, {" +1_000\n", 1000, true}, {"-007", -7, true}, {[]byte("12"), 12, true},
		{strings.Repeat("9", 30), most, true}, {"-" + strings.Repeat("9", 30), least, true},
		{"", 0, false}, {"_1", 0, false}, {"1_", 0, false}, {"1__0", 0, false}, {"0x10", 0, false}, {"1.5", 0, false}, {"+-1", 0, false},
		{"- 1", 0, false}, {"+_1", 0, false}, {math.NaN(), 0, false}, {math.Inf(1), 0, false}, {nil, 0, false}, {[]any{1}, 0, false},
	} {
		p, err := wire.ReadParameters(limited(t, "time", c.value))
		if c.ok != (err == nil) || c.ok && *p.Time != c.want {
			t.Errorf("%#v: %+v, %v", c.value, p, err)
		}
		if !c.ok && (!errors.Is(err, wire.ErrValue) || !strings.HasPrefix(err.Error(), "time: ")) {
			t.Errorf("%#v: %v", c.value, err)
		}
		shown := int64(-1)
		if c.ok {
			shown = c.want
		}
		if got := wire.MaxTime(limited(t, "time", c.value)); got != shown {
			t.Errorf("%#v: shown as %d", c.value, got)
		}
	}
}

func TestParametersAreReadAsInPython(t *testing.T) {
	p, err := wire.ReadParameters(message(t, "run_cmd", "bash x", "network_grading", "on", "ssh_allowed", true, 5, nil, "response_is_html", true,
		"limits", wire.Raw(message(t, "time", "5", "hard_time", 10, "memory", 64.0, "disk", "x"))))
	if err != nil || *p.RunCmd != "bash x" || !p.Network || !p.SSHAllowed || *p.Time != 5 || *p.HardTime != 10 || *p.MemoryMiB != 64 {
		t.Errorf("%+v, %v", p, err)
	}
	for name, raw := range map[string]wire.Raw{
		"nothing":         nil,
		"an empty map":    {0x80},
		"no limits":       limited(t),
		"nil":             message(t, "run_cmd", nil, "network_grading", nil),
		"falsy hard_time": limited(t, "hard_time", ""),
		"zero hard_time":  limited(t, "hard_time", 0),
		"nil hard_time":   limited(t, "hard_time", nil),
	} {
		if p, err := wire.ReadParameters(raw); err != nil || p != (wire.Parameters{}) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	for field, raw := range map[string]wire.Raw{
		"environment_parameters": packed(t, 5),
		"limits":                 message(t, "limits", []any{}),
		"run_cmd":                message(t, "run_cmd", 5),
		"hard_time":              limited(t, "hard_time", "x"),
		"memory":                 limited(t, "memory", nil),
	} {
		if _, err := wire.ReadParameters(raw); !errors.Is(err, wire.ErrValue) || !strings.HasPrefix(err.Error(), field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
	for name, raw := range map[string]wire.Raw{"nothing": nil, "no map": packed(t, 5), "limits no map": message(t, "limits", 5), "garbage": {0xc1}} {
		if got := wire.MaxTime(raw); got != -1 {
			t.Errorf("%s: shown as %d", name, got)
		}
	}
}
