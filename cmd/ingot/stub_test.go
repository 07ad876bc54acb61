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
	router, err := zmtp.Listen(addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for ev := range router.Events() {
			if ev.Kind == wire.PeerMessage {
				for _, m := range reply(t, ev.Frame, answer) {
					frame, err := wire.NewDialect(wire.GH, wire.Limits{}).Append(nil, m)
					if err != nil {
						t.Error(err)
						return
					}
					_ = router.Send(ev.Peer, frame) // a client that left wants no answer
				}
			}
		}
	}()
	t.Cleanup(func() { router.Close(); <-over })
	return router.Addr()
}

func reply(t *testing.T, frame []byte, answer func(*wire.ClientNewJob) wire.Result) []wire.Message {
	m, err := wire.NewDialect(wire.GH, wire.Limits{}).Decode(frame)
	if err != nil {
		t.Error(err)
	}
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
