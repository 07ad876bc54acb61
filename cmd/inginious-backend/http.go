package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// token reads the operators' token, "" if there is none.
func (c *config) token() (string, error) {
	if c.HTTPTokenFile == "" {
		return "", nil
	}
	b, err := os.ReadFile(c.HTTPTokenFile)
	if err != nil {
		return "", fmt.Errorf("read the operators' token: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" {
		return "", fmt.Errorf("read the operators' token: %s is empty", c.HTTPTokenFile)
	}
	return token, nil
}

// serveHTTP serves h on addr until stop is called. Without an address there is
// nothing to serve.
func serveHTTP(addr string, h http.Handler, log *slog.Logger) (stop func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("serve HTTP: %w", err)
	}
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("status page ended", "err", err)
		}
	}()
	log.Info("serving the status page", "addr", ln.Addr().String())
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := srv.Shutdown(ctx)
		if err != nil {
			err = srv.Close() // whoever has not gone by now is cut off
		}
		if err != nil {
			log.Warn("status page not closed in order", "err", err)
		}
		<-done
	}, nil
}
