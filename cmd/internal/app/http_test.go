package app

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener on which a test's own ends come in.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

// Who is slow to write, or does not read, is let go, and so is who sends much.
func TestSlowStrangersAreLetGo(t *testing.T) {
	for name, c := range map[string]struct {
		send   string
		answer string        // what it begins with; "" if none is read
		within time.Duration // until the connection is closed
	}{
		"silent":        {"", "", 5 * time.Second},
		"in the header": {"GET / HTTP/1.1\r\nHost:", "", 5 * time.Second},
		"in the body":   {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx", "HTTP/1.1 408", 10 * time.Second},
		"idle":          {"GET /short HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 204", time.Minute},
		"reads nothing": {"GET /long HTTP/1.1\r\nHost: h\r\n\r\n", "", 30 * time.Second},
		"a long header": {"GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 64<<10), "HTTP/1.1 431", time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				in, gone := make(pipes, 1), make(chan struct{})
				in <- far
				srv := server(http.HandlerFunc(serveTest), slog.New(slog.DiscardHandler))
				srv.ConnState = func(_ net.Conn, s http.ConnState) {
					if s == http.StateClosed {
						close(gone)
					}
				}
				served := make(chan error)
				go func() { served <- srv.Serve(in) }()
				go io.WriteString(near, c.send) //nolint:errcheck // what is refused is not all read
				if c.answer != "" {
					line, err := bufio.NewReader(near).ReadString('\n')
					if err != nil || !strings.HasPrefix(line, c.answer) {
						t.Errorf("answer %q, %v; want %s", line, err, c.answer)
					}
					go io.Copy(io.Discard, near) //nolint:errcheck // until it is closed
				}
				began := time.Now()
				<-gone
				if took := time.Since(began); took > c.within {
					t.Errorf("let go after %v, want %v", took, c.within)
				}
				near.Close()
				close(in)
				if err := <-served; !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
			})
		})
	}
}

func serveTest(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/short":
		w.WriteHeader(http.StatusNoContent)
	case "/long":
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	default:
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	}
}
