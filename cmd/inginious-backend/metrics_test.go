package main

import (
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// A peer that does not read is told by its address, and what waits for it.
func TestQueueOfAPeer(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	agents, err := zmtp.Listen("tcp://127.0.0.1:*", zmtp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	clients, err := zmtp.Listen("tcp://127.0.0.1:*", zmtp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(log, 0, agents, clients)
	rawClient(t, clients.Addr())
	up := <-clients.Events()
	if up.Kind != wire.PeerUp {
		t.Fatalf("event %+v", up)
	}
	const size = 32 << 20 // more than the kernel takes
	if err := clients.Send(up.Peer, make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	promhttp.HandlerFor(registry(agents, clients), promhttp.HandlerOpts{}).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	for _, want := range []string{
		`ingot_backend_peer_queued_bytes{peer="` + up.Addr + `",side="client"} 3.3554432e+07`,
		`ingot_backend_peer_queued_messages{peer="` + up.Addr + `",side="client"} 1`,
		`ingot_backend_queued_messages{side="agent"} 0`,
		`ingot_backend_queued_messages{side="client"} 1`,
	} {
		if !strings.Contains(rec.Body.String(), want+"\n") {
			t.Errorf("no %s in\n%s", want, rec.Body)
		}
	}
}

// rawClient is a client that reads and writes byte by byte, after its handshake.
func rawClient(t *testing.T, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", strings.TrimPrefix(addr, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	ready := "\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
	greeting := "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL" + strings.Repeat("\x00", 16+1+31) + "\x04" + string(rune(len(ready))) + ready
	if _, err := nc.Write([]byte(greeting)); err != nil {
		t.Fatal(err)
	}
	return nc
}
