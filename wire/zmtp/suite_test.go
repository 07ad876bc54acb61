package zmtp

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/wire/wiretest"
)

func TestSuite(t *testing.T) {
	dir := t.TempDir()
	tests := map[string]struct {
		addr           string
		router, dealer Config
	}{
		"tcp4":  {addr: "tcp://127.0.0.1:*"},
		"tcp6":  {addr: "tcp://[::1]:*"},
		"ipc":   {addr: "ipc://" + filepath.Join(dir, "s")},
		"plain": {addr: abstract("suite-plain"), router: withPlain("u", "p"), dealer: withPlain("u", "p")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			suite(t, tt.addr, tt.router, tt.dealer)
		})
	}
}

func withPlain(user, password string) Config {
	return Config{Plain: &Credentials{User: user, Password: password}}
}

// suite runs the conformance suite over addr. A free port is chosen once for
// each test and kept.
func suite(t *testing.T, addr string, router, dealer Config) {
	router.QueueMessages, dealer.QueueMessages = wiretest.SuiteQueue, wiretest.SuiteQueue
	router.MaxMessage, dealer.MaxMessage = wiretest.SuiteMessage, wiretest.SuiteMessage
	dealer.RetryMin, dealer.RetryMax = 10*time.Millisecond, 100*time.Millisecond
	wiretest.Suite(t, func(t *testing.T, test func(*testing.T, wiretest.Ends)) {
		first, err := Listen(addr, router)
		if err != nil {
			t.Fatal(err)
		}
		at := first.Addr()
		first.Close()
		test(t, wiretest.Ends{
			Listen: func() (wiretest.ClosableRouter, error) { return Listen(at, router) },
			Dial: func(identity string) (wiretest.ClosableDealer, error) {
				cfg := dealer
				cfg.Identity = identity
				return Dial(at, cfg)
			},
		})
	})
}
