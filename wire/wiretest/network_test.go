package wiretest

import (
	"testing"
	"testing/synctest"
)

func TestSuite(t *testing.T) {
	Suite(t, func(t *testing.T, test func(*testing.T, Ends)) {
		synctest.Test(t, func(t *testing.T) {
			n := NewNetwork(Config{QueueMessages: SuiteQueue})
			test(t, Ends{
				Listen: func() (ClosableRouter, error) { return n.Listen("here") },
				Dial:   func(identity string) (ClosableDealer, error) { return n.Dial("here", identity), nil },
			})
		})
	})
}
