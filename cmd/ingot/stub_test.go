package main

import (
	"path/filepath"
	"testing"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// stub is a backend that offers docker/demo and answers each job with answer.
// It returns its address.
func stub(t *testing.T, answer func(*wire.ClientNewJob) wire.Result) string {
	t.Helper()
	return stubAt(t, "ipc://"+filepath.Join(t.TempDir(), "s"), zmtp.Config{}, answer)
}

// stubAt is a stub that listens at addr.
func stubAt(t *testing.T, addr string, cfg zmtp.Config, answer func(*wire.ClientNewJob) wire.Result) string {
	t.Helper()
	return serve(t, addr, cfg, func(m wire.Message) []wire.Message { return reply(m, answer) })
}

// serve answers what comes to addr, in one goroutine, and returns its address.
func serve(t *testing.T, addr string, cfg zmtp.Config, reply func(wire.Message) []wire.Message) string {
	t.Helper()
	router, err := zmtp.Listen(addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	dialect := wire.NewDialect(wire.GH, wire.Limits{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		for ev := range router.Events() {
			if ev.Kind != wire.PeerMessage {
				continue
			}
			m, err := dialect.Decode(ev.Frame)
			if err != nil {
				t.Error(err)
				return
			}
			for _, r := range reply(m) {
				frame, err := dialect.Append(nil, r)
				if err != nil {
					t.Error(err)
					return
				}
				_ = router.Send(ev.Peer, frame) // a client that left wants no answer
			}
		}
	}()
	t.Cleanup(func() { router.Close(); <-over })
	return router.Addr()
}

func reply(m wire.Message, answer func(*wire.ClientNewJob) wire.Result) []wire.Message {
	switch m := m.(type) {
	case *wire.ClientHello:
		return []wire.Message{&wire.BackendUpdateEnvironments{Available: []wire.EnvironmentNames{{Type: "docker", Names: []string{"demo"}}}}}
	case *wire.Ping:
		return []wire.Message{&wire.Pong{}}
	case *wire.ClientNewJob:
		return []wire.Message{&wire.BackendJobStarted{JobID: m.JobID}, &wire.BackendJobDone{JobID: m.JobID, Result: answer(m)}}
	case *wire.ClientGetQueue:
		return []wire.Message{&wire.BackendGetQueue{Waiting: []wire.WaitingJob{{JobID: "w", Info: "c/t", Launcher: "l", Max: 3}}}}
	}
	return nil
}
