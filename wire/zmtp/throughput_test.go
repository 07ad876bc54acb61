//go:build bench

package zmtp

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/ingot-grading/ingot/wire"
)

// buildBench compiles the libzmq side. It needs a C compiler and libzmq's headers.
func buildBench(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "bench")
	if out, err := exec.Command("cc", "-O2", "-o", path, "testdata/bench.c", "-lzmq").CombinedOutput(); err != nil {
		tb.Fatalf("gcc and libzmq3-dev are needed: %v\n%s", err, out)
	}
	return path
}

// server is a ROUTER for one measurement. Serve starts it and returns its
// address; it answers the dealer's first message and one after count more
// ("push"), or answers the first with count messages of this size ("take").
type server func(tb testing.TB, mode string, count, size int) (addr string)

func libzmqServer(bench string) server {
	return func(tb testing.TB, mode string, count, size int) string {
		other := map[string]string{"push": "pull", "take": "give"}[mode]
		cmd := exec.CommandContext(tb.Context(), bench, other, "tcp://127.0.0.1:*", fmt.Sprint(count), fmt.Sprint(size))
		out, err := cmd.StdoutPipe()
		if err != nil {
			tb.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { cmd.Wait() }) //nolint:errcheck // killed by the context if need be
		addr, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			tb.Fatal(err)
		}
		return strings.TrimSpace(addr)
	}
}

func ourServer(tb testing.TB, mode string, count, size int) string {
	r := listen(tb, "tcp://127.0.0.1:*", Config{QueueMessages: count + 1, QueueBytes: 1 << 40})
	go func() {
		next(tb, r, wire.PeerUp)
		peer := next(tb, r, wire.PeerMessage).Peer
		send := func(frame []byte) {
			if err := r.Send(peer, frame); err != nil {
				tb.Errorf("send: %v", err)
			}
		}
		if mode == "push" {
			send([]byte("x"))
			for range count {
				r.Release((<-r.Events()).Frame)
			}
			send([]byte("x"))
			return
		}
		frame := make([]byte, size)
		for range count {
			send(frame)
		}
	}()
	return r.Addr()
}

func zmq4Server(tb testing.TB, mode string, count, size int) string {
	r := zmq4.NewRouter(context.Background())
	if err := r.Listen("tcp://127.0.0.1:*"); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { r.Close() })
	go func() {
		m, err := r.Recv()
		if err != nil {
			return
		}
		id := m.Frames[0]
		send := func(frame []byte) { r.SendMulti(zmq4.NewMsgFrom(id, frame)) } //nolint:errcheck // the dealer shows it
		if mode == "push" {
			send([]byte("x"))
			for range count {
				if _, err := r.Recv(); err != nil {
					return
				}
			}
			send([]byte("x"))
			return
		}
		frame := make([]byte, size)
		for range count {
			send(frame)
		}
	}()
	return "tcp://" + r.Addr().String()
}

// measure returns how long a libzmq dealer takes with this server.
func measure(tb testing.TB, bench string, serve server, mode string, count, size int) time.Duration {
	tb.Helper()
	addr := serve(tb, mode, count, size)
	out, err := exec.Command(bench, mode, addr, fmt.Sprint(count), fmt.Sprint(size)).Output()
	if err != nil {
		tb.Fatal(err)
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return time.Duration(ns)
}

var loads = []struct {
	name        string
	mode        string
	count, size int
	libzmq      float64 // the least share of libzmq's throughput
}{
	{"100 B in", "push", 200_000, 100, 0.5},
	{"100 B out", "take", 200_000, 100, 0.5},
	{"1 MiB in", "push", 500, 1 << 20, 0.6},
	{"1 MiB out", "take", 500, 1 << 20, 0.6},
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// TestThroughput compares, in one run and with the same libzmq dealer, our
// ROUTER with zmq4's and with libzmq's. Times are medians of interleaved rounds.
func TestThroughput(t *testing.T) {
	if raceEnabled {
		t.Log("the race detector slows only our side: the ratios are not checked")
	}
	bench := buildBench(t)
	servers := []server{ourServer, zmq4Server, libzmqServer(bench)}
	for _, l := range loads {
		t.Run(l.name, func(t *testing.T) {
			var took [3][]time.Duration
			for range 5 {
				for i, s := range servers {
					t.Run("", func(t *testing.T) { // its clean-ups end the server
						took[i] = append(took[i], measure(t, bench, s, l.mode, l.count, l.size))
					})
				}
			}
			ours, zmq4s, libs := median(took[0]), median(took[1]), median(took[2])
			rate := func(d time.Duration) string {
				perSecond := float64(l.count) / d.Seconds()
				if l.size >= 1<<20 {
					return fmt.Sprintf("%.0f MB/s", perSecond*float64(l.size)/1e6)
				}
				return fmt.Sprintf("%.0f k/s", perSecond/1e3)
			}
			t.Logf("%s: ours %s, zmq4 %s, libzmq %s", l.name, rate(ours), rate(zmq4s), rate(libs))
			if raceEnabled {
				return
			}
			if l.size == 100 && float64(zmq4s) < 1.5*float64(ours) {
				t.Errorf("%.2f of zmq4's throughput, want at least 1.5", float64(zmq4s)/float64(ours))
			}
			if share := float64(libs) / float64(ours); share < l.libzmq {
				t.Errorf("%.2f of libzmq's throughput, want at least %v", share, l.libzmq)
			}
		})
	}
}
