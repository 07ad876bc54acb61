package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// Why a job or a question ended without an answer.
var (
	ErrLost   = errors.New("the connection to the backend was lost")
	ErrClosed = errors.New("the client is closed")
)

// pingEvery is how often the backend hears of us (PROTOCOL.md 1.4).
const pingEvery = time.Second

// Update is news of a job. Done is nil for all but the last.
type Update struct {
	Started bool
	SSH     *wire.SSH
	Done    *wire.BackendJobDone
	Err     error // with the last, instead of Done: no result will come
}

// Client is a connection to a backend. All methods may be called from any goroutine.
type Client struct {
	end  wire.Dealer
	do   chan func(*state)
	stop context.CancelCauseFunc
	over chan struct{}
}

// state belongs to the goroutine of run.
type state struct {
	end     wire.Dealer
	dialect *wire.Dialect
	peer    wire.Peer
	envs    []wire.EnvironmentNames
	ready   bool // the backend answered our hello
	waiting []chan []wire.EnvironmentNames
	jobs    map[string]chan Update
	queue   []chan *wire.BackendGetQueue
}

// New serves end until Close. The caller closes end after it.
func New(end wire.Dealer, limits wire.Limits) *Client {
	ctx, stop := context.WithCancelCause(context.Background())
	c := &Client{end: end, do: make(chan func(*state)), stop: stop, over: make(chan struct{})}
	s := &state{end: end, dialect: wire.NewDialect(wire.GH, limits), jobs: map[string]chan Update{}}
	go c.run(ctx, s)
	return c
}

// Close ends every wait with [ErrClosed] and returns when nothing runs any more.
func (c *Client) Close() {
	c.stop(ErrClosed)
	<-c.over
}

func (c *Client) run(ctx context.Context, s *state) {
	defer close(c.over)
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			s.lose(ErrClosed)
			return
		case ev, ok := <-c.end.Events():
			if !ok {
				s.lose(ErrLost)
				<-ctx.Done()
				return
			}
			s.onWire(ev)
		case f := <-c.do:
			f(s)
		case <-ping.C:
			s.drop(s.send(&wire.Ping{}))
		}
	}
}

// ask runs f in the goroutine that owns the state, and returns its error.
func (c *Client) ask(ctx context.Context, f func(*state) error) error {
	answer := make(chan error, 1)
	select {
	case c.do <- func(s *state) { answer <- f(s) }:
		return <-answer
	case <-c.over:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Environments waits until the backend has answered our hello and returns the
// environments it offers.
func (c *Client) Environments(ctx context.Context) ([]wire.EnvironmentNames, error) {
	answer := make(chan []wire.EnvironmentNames, 1)
	err := c.ask(ctx, func(s *state) error {
		if s.ready {
			answer <- s.envs
		} else {
			s.waiting = append(s.waiting, answer)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return wait(ctx, c.over, answer)
}

// Await waits until the backend offers what ok looks for, and returns all it offers.
func (c *Client) Await(ctx context.Context, ok func([]wire.EnvironmentNames) bool) ([]wire.EnvironmentNames, error) {
	for {
		next := make(chan []wire.EnvironmentNames, 1)
		var now []wire.EnvironmentNames
		err := c.ask(ctx, func(s *state) error {
			now, s.waiting = s.envs, append(s.waiting, next)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if ok(now) {
			return now, nil
		}
		if now, err = wait(ctx, c.over, next); err != nil {
			return nil, err
		}
	}
}

// Queue asks the backend for its jobs.
func (c *Client) Queue(ctx context.Context) (*wire.BackendGetQueue, error) {
	answer := make(chan *wire.BackendGetQueue, 1)
	err := c.ask(ctx, func(s *state) error {
		if err := s.send(&wire.ClientGetQueue{}); err != nil {
			return err
		}
		s.queue = append(s.queue, answer)
		return nil
	})
	if err != nil {
		return nil, err
	}
	q, err := wait(ctx, c.over, answer)
	if err == nil && q == nil {
		err = ErrLost
	}
	return q, err
}

// Kill asks for the end of a job. The job's own updates tell whether it ended.
func (c *Client) Kill(ctx context.Context, job string) error {
	return c.ask(ctx, func(s *state) error { return s.send(&wire.ClientKillJob{JobID: job}) })
}

// Submit sends a job whose id no other job of this client has, and returns the
// channel of its updates: any number without, then one with Done or Err, then
// it is closed. The channel is buffered; slow readers delay nobody.
func (c *Client) Submit(ctx context.Context, job *wire.ClientNewJob) (<-chan Update, error) {
	updates := make(chan Update, 4) // started, SSH, done; each at most once
	if err := c.ask(ctx, func(s *state) error { return s.submit(job, updates) }); err != nil {
		return nil, err
	}
	return updates, nil
}

func (s *state) submit(job *wire.ClientNewJob, updates chan Update) error {
	if s.jobs[job.JobID] != nil {
		return fmt.Errorf("client: job %q was submitted already", job.JobID)
	}
	if err := s.send(job); err != nil {
		return err
	}
	s.jobs[job.JobID] = updates
	return nil
}

func wait[T any](ctx context.Context, over <-chan struct{}, answer <-chan T) (T, error) {
	var none T
	select {
	case v := <-answer:
		return v, nil
	case <-over:
		return none, ErrClosed
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
}
