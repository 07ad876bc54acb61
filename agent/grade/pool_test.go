package grade

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// Jobs wait in order, also behind one that is larger than what is free.
func TestPoolOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pool{size: 100}
		p.take(60)
		var mu sync.Mutex
		var order []int64
		for _, n := range []int64{50, 30, 20} {
			go func() {
				if err := p.acquire(t.Context(), n); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, n)
			}()
			synctest.Wait()
		}
		if used, waiting := p.state(); used != 60 || waiting != 3 {
			t.Errorf("%d used, %d waiting", used, waiting)
		}
		p.release(60)
		synctest.Wait()
		slices.Sort(order) // those let in at once have no order among themselves
		if used, waiting := p.state(); used != 100 || waiting != 0 || !slices.Equal(order, []int64{20, 30, 50}) {
			t.Errorf("%d used, %d waiting, %v let in", used, waiting, order)
		}
	})
}

// What a running job must have it gets, and new jobs make up for it.
func TestPoolOverdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pool{size: 100}
		if err := p.acquire(t.Context(), 100); err != nil {
			t.Fatal(err)
		}
		p.take(100)
		in := make(chan error, 1)
		go func() { in <- p.acquire(t.Context(), 10) }()
		synctest.Wait()
		p.release(100)
		synctest.Wait()
		if len(in) > 0 {
			t.Fatal("let in while all is used")
		}
		p.release(100)
		if err := <-in; err != nil {
			t.Error(err)
		}
	})
}

// One that gives up hears why, and those behind it go on.
func TestPoolKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pool{size: 100}
		p.take(50)
		killed := errors.New("killed")
		ctx, kill := context.WithCancelCause(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- p.acquire(ctx, 80) }()
		synctest.Wait()
		go func() { second <- p.acquire(t.Context(), 50) }()
		synctest.Wait()
		kill(killed)
		if err := <-first; !errors.Is(err, killed) {
			t.Error(err)
		}
		if err := <-second; err != nil {
			t.Error(err)
		}
		p.release(100)
		if used, _ := p.state(); used != 0 {
			t.Errorf("%d used by nobody", used)
		}
	})
}
