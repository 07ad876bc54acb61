package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// snapshot is what the backend's status page tells, as far as it is shown.
type snapshot struct {
	Now      time.Time       `json:"now"`
	Stopping bool            `json:"stopping"`
	Clients  int             `json:"clients"`
	Slots    int             `json:"slots"`
	Running  int             `json:"running"`
	Waiting  int             `json:"waiting"`
	Agents   []agentSnapshot `json:"agents"`

	RunningJobs []jobSnapshot   `json:"running_jobs"`
	WaitingJobs []jobSnapshot   `json:"waiting_jobs"`
	RecentJobs  []endedSnapshot `json:"recent_jobs"`

	page string // where it is from
	err  error  // why it is old
}

type agentSnapshot struct {
	Name         string    `json:"name"`
	Addr         string    `json:"address"`
	State        string    `json:"state"`
	Since        time.Time `json:"since"`
	Slots        int       `json:"slots"`
	Running      int       `json:"running"`
	Environments []string  `json:"environments"`
}

type jobSnapshot struct {
	Job         string  `json:"job"`
	Info        string  `json:"info"`
	Environment string  `json:"environment"`
	Launcher    string  `json:"launcher"`
	Agent       string  `json:"agent"`
	Max         int64   `json:"max_seconds"` // -1: unknown
	Seconds     float64 `json:"seconds"`
}

type endedSnapshot struct {
	Job         string    `json:"job"`
	Info        string    `json:"info"`
	Environment string    `json:"environment"`
	Agent       string    `json:"agent"`
	Launcher    string    `json:"launcher"`
	Status      string    `json:"status"`
	Ended       time.Time `json:"ended"`
	Ran         float64   `json:"ran_seconds"`
}

// source is a backend's status page.
type source struct {
	page   string
	client http.Client
}

// maxStatus bounds what a page may send, in bytes: it lists a few hundred jobs.
const maxStatus = 16 << 20

// newSource takes an address with or without http:// before it.
func newSource(page string) *source {
	if !strings.Contains(page, "://") {
		page = "http://" + page
	}
	return &source{page: strings.TrimRight(page, "/"), client: http.Client{Timeout: 5 * time.Second}}
}

// fetch asks the backend.
func (s *source) fetch(ctx context.Context) (*snapshot, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.page+"/status.json", nil)
	if err != nil {
		return nil, fmt.Errorf("status page: %w", err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no status page (the backend needs --http): %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status page %s: %s", s.page, resp.Status)
	}
	now := &snapshot{page: s.page}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxStatus)).Decode(now); err != nil {
		return nil, fmt.Errorf("status page %s is no backend's: %w", s.page, err)
	}
	return now, nil
}

// poll asks again and again until ctx ends. Where there is no answer it gives
// the last one, with the reason.
func (s *source) poll(ctx context.Context, every time.Duration) <-chan *snapshot {
	updates := make(chan *snapshot)
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		last := &snapshot{page: s.page}
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			next, err := s.fetch(ctx)
			if err != nil {
				old := *last
				next, old.err = &old, err
			} else {
				last = next
			}
			select {
			case <-ctx.Done():
				return
			case updates <- next:
			}
		}
	}()
	return updates
}
