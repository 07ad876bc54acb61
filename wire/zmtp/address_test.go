package zmtp

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/wire"
)

func TestParseAddress(t *testing.T) {
	tests := []struct {
		in           string
		listen, dial string // "" where it must be refused
	}{
		{"tcp://127.0.0.1:2001", "tcp://127.0.0.1:2001", "tcp://127.0.0.1:2001"},
		{"tcp://grader.example:2001", "tcp://grader.example:2001", "tcp://grader.example:2001"},
		{"tcp://[::1]:2001", "tcp://[::1]:2001", "tcp://[::1]:2001"},
		{"tcp://[fe80::1%eth0]:2001", "tcp://[fe80::1%eth0]:2001", "tcp://[fe80::1%eth0]:2001"},
		{"tls://10.0.0.1:02001", "tls://10.0.0.1:2001", "tls://10.0.0.1:2001"},
		{"tcp://*:2001", "tcp://*:2001", ""},
		{"tcp://127.0.0.1:*", "tcp://127.0.0.1:0", ""},
		{"tcp://127.0.0.1:0", "tcp://127.0.0.1:0", ""},
		{"ipc:///run/ingot.sock", "ipc:///run/ingot.sock", "ipc:///run/ingot.sock"},
		{"ipc://@ingot", "ipc://@ingot", "ipc://@ingot"},
		{"ipc://relative.sock", "ipc://relative.sock", "ipc://relative.sock"},
		{"ipc:///" + strings.Repeat("x", 107), "", ""},
		{"ipc://a\x00b", "", ""},
		{"ipc://", "", ""},
		{"ipc://*", "", ""},
		{"ipc://@", "", ""},
		{"tcp://127.0.0.1", "", ""},
		{"tcp://127.0.0.1:65536", "", ""},
		{"tcp://127.0.0.1:-1", "", ""},
		{"tcp://127.0.0.1:http", "", ""},
		{"tcp://127.0.0.1:", "", ""},
		{"tcp://:2001", "", ""},
		{"tcp://::1:2001", "", ""},
		{"tcp://", "", ""},
		{"tcp://127.0.0.1:1,tcp://127.0.0.1:2", "", ""},
		{"tcp://192.168.1.17:5555;192.168.1.1:2001", "", ""},
		{"udp://127.0.0.1:2001", "", ""},
		{"inproc://backend_agent", "", ""},
		{"pgm://eth0;239.192.1.1:2001", "", ""},
		{"127.0.0.1:2001", "", ""},
		{"", "", ""},
	}
	check := func(in string, listen bool, want string) {
		a, err := parseAddress(in, listen)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q (listen %v) = %v, want an error", in, listen, a)
		case want == "":
		case err != nil:
			t.Errorf("%q (listen %v): %v", in, listen, err)
		case a.String() != want:
			t.Errorf("%q (listen %v) = %q, want %q", in, listen, a, want)
		}
	}
	for _, tt := range tests {
		check(tt.in, true, tt.listen)
		check(tt.in, false, tt.dial)
	}
}

func TestAddressesToListenOn(t *testing.T) {
	lookup := func(host string) ([]string, error) {
		switch host {
		case "both":
			return []string{"192.0.2.1", "2001:db8::1", "fe80::1%eth0"}, nil
		case "none":
			return nil, nil
		}
		return nil, errors.New("no such host")
	}
	tests := map[string][]bind{
		"*":           {{"tcp", ""}},
		"::":          {{"tcp", "::"}},
		"0.0.0.0":     {{"tcp4", "0.0.0.0"}},
		"127.0.0.1":   {{"tcp4", "127.0.0.1"}},
		"::1":         {{"tcp6", "::1"}},
		"fe80::1%lo":  {{"tcp6", "fe80::1%lo"}},
		"both":        {{"tcp4", "192.0.2.1"}, {"tcp6", "2001:db8::1"}, {"tcp6", "fe80::1%eth0"}},
		"none":        nil,
		"nonexistent": nil,
	}
	for host, want := range tests {
		got, err := address{scheme: "tcp", host: host}.binds(lookup)
		if (err != nil) != (want == nil) || len(got) != len(want) {
			t.Errorf("%s: %v, %v, want %v", host, got, err, want)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: %v, want %v", host, got, want)
			}
		}
	}
}

// The families of PROTOCOL.md 1.1, for a listener with ipv6=1.
func TestFamilies(t *testing.T) {
	tests := []struct {
		addr   string
		v4, v6 bool
	}{
		{"tcp://0.0.0.0:*", true, false},
		{"tcp://*:*", true, true},
		{"tcp://[::]:*", true, true},
		{"tcp://127.0.0.1:*", true, false},
		{"tcp://[::1]:*", false, true},
		{"tcp://lo:*", true, true},
	}
	for _, tt := range tests {
		t.Run(tt.addr, func(t *testing.T) {
			r := listen(t, tt.addr, Config{})
			_, port, err := net.SplitHostPort(r.listeners[0].Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			for host, want := range map[string]bool{"127.0.0.1": tt.v4, "::1": tt.v6} {
				nc, err := net.Dial("tcp", net.JoinHostPort(host, port))
				if (err == nil) != want {
					t.Errorf("dial %s: %v, want it to work: %v", host, err, want)
				}
				if err == nil {
					newRaw(t, nc).shake(1)
					next(t, r, wire.PeerUp)
				}
			}
		})
	}
}
