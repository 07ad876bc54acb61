package guesttest

import (
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Exchange exchanges what the paths a and b name, all the time, until stop is
// called or the test ends. Both must exist. When stop has returned nothing is
// exchanged any more, and nobody knows which is which.
func Exchange(t testing.TB, a, b string) (stop func()) {
	over, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-over:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
			}
		}
	}()
	stop = sync.OnceFunc(func() {
		close(over)
		<-stopped
	})
	t.Cleanup(stop)
	return stop
}
