package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run this program as a command of its own.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"ingot": main}) }

// The command line as people see it: testdata/script holds a session per file.
func TestScripts(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(snapshot{
			Now: time.Unix(0, 0), Slots: 2, Waiting: 1,
			Agents:      []agentSnapshot{{Name: "grader1", State: "ready", Since: time.Unix(-61, 0), Slots: 2, Environments: []string{"mcq/mcq"}}},
			WaitingJobs: []jobSnapshot{{Job: "j1", Info: "algo/sort", Environment: "docker/default", Launcher: "Frontend - ada", Seconds: 3600}},
		})
	}))
	t.Cleanup(page.Close) // scripts run in parallel, after this function
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }))
	t.Cleanup(other.Close)
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(e *testscript.Env) error {
		e.Setenv("BACKEND", page.URL)
		e.Setenv("NOBACKEND", other.URL)
		return nil
	}})
}
