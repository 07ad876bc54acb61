package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/backend"
	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// BenchmarkBackend drives a backend through TCP: a stub agent of 50 slots that
// answers at once, and a client that keeps 200 jobs with inputs of 500 bytes in
// flight. The CPU time is that of all three. On the machine where Python's does
// 570 jobs/s, this is to do 20 times as many.
func BenchmarkBackend(b *testing.B) { throughBackend(b, wire.Result{Status: "success", Grade: 100}) }

// BenchmarkArchives is the same with results that bring an archive of 1 MiB.
func BenchmarkArchives(b *testing.B) {
	b.SetBytes(1 << 20)
	throughBackend(b, wire.Result{Status: "success", Grade: 100, Archive: make([]byte, 1<<20)})
}

func throughBackend(b *testing.B, res wire.Result) {
	s := serve(b)
	agent := s.dial(b, s.agents)
	agent.say(&wire.AgentHello{FriendlyName: "stub", Slots: 50, Environments: offered})
	go agent.work(res)
	client := s.dial(b, s.clients)
	client.say(&wire.ClientHello{Name: "me"})
	client.drive(200, 200) // warm
	before := cpuTime(b)
	b.ReportAllocs()
	b.ResetTimer()
	client.drive(200, b.N)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	b.ReportMetric((cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
}

var offered = []wire.Environment{{Type: "docker", Name: "default", ID: "sha256:0", Ports: []int64{}, Advertised: true}}

// served is a running backend.
type served struct{ agents, clients string }

func serve(b testing.TB) served {
	b.Helper()
	listen := func() *zmtp.Router {
		r, err := zmtp.Listen("tcp://127.0.0.1:0", zmtp.Config{})
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
	agents, clients := listen(), listen()
	cfg := sched.DefaultConfig()
	cfg.QueueLimit, cfg.Unrunnable = 0, 0
	backend := backend.New(agents, clients, backend.Config{Sched: cfg})
	ctx, stop := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- backend.Run(ctx) }()
	b.Cleanup(func() {
		stop(errors.New("benchmark over"))
		if err := errors.Join(<-ended, agents.Close(), clients.Close()); err != nil {
			b.Error(err)
		}
		for range agents.Events() {
		}
		for range clients.Events() {
		}
	})
	return served{agents.Addr(), clients.Addr()}
}

// remote is an agent or a client of a backend.
type remote struct {
	b       testing.TB
	dealer  *zmtp.Dealer
	dialect *wire.Dialect
	peer    wire.Peer
}

func (s served) dial(b testing.TB, addr string) *remote {
	b.Helper()
	d, err := zmtp.Dial(addr, zmtp.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := d.Close(); err != nil {
			b.Error(err)
		}
	})
	return &remote{b, d, wire.NewDialect(wire.GH, wire.Limits{}), (<-d.Events()).Peer}
}

func (r *remote) say(m wire.Message) {
	frame, err := r.dialect.Append(nil, m)
	if err == nil {
		err = r.dealer.Send(r.peer, frame)
	}
	if err != nil {
		r.b.Error(err)
	}
}

// next returns the next message, nil when the connection is over.
func (r *remote) next() wire.Message {
	ev, open := <-r.dealer.Events()
	if !open || ev.Kind != wire.PeerMessage {
		return nil
	}
	m, err := r.dialect.Decode(ev.Frame)
	if err != nil {
		r.b.Error(err)
	}
	return m
}

// work answers every job with res at once until the connection is over.
func (r *remote) work(res wire.Result) {
	for m := r.next(); m != nil; m = r.next() {
		switch m := m.(type) {
		case *wire.Ping:
			r.say(&wire.Pong{})
		case *wire.BackendNewJob:
			r.say(&wire.AgentJobStarted{JobID: m.JobID})
			r.say(&wire.AgentJobDone{JobID: m.JobID, Result: res})
		}
	}
}

// drive submits n jobs, at most flight at a time, and waits for their results.
func (r *remote) drive(flight, n int) {
	submitted := 0
	for ; submitted < min(flight, n); submitted++ {
		r.say(newJob(submitted))
	}
	for done := 0; done < n; {
		switch m := r.next().(type) {
		case nil:
			r.b.Error("the backend hung up")
			return
		case *wire.BackendJobDone:
			if m.Status != "success" {
				r.b.Errorf("job %s: %s", m.JobID, m.Status)
			}
			if done++; submitted < n {
				r.say(newJob(submitted))
				submitted++
			}
		}
	}
}

// inputs is a map of 500 bytes.
var inputs = wire.Raw("\x81\xa1q\xda\x01\xf0" + strings.Repeat("x", 496))

func newJob(i int) *wire.ClientNewJob {
	return &wire.ClientNewJob{
		JobID: "0123456789abcdef0123456789abcdef-" + strconv.Itoa(i), Launcher: "Frontend - student",
		CourseID: wire.Nullable{Value: "course"}, TaskID: wire.Nullable{Value: "task"},
		EnvironmentType: "docker", Environment: "default", InputData: inputs,
		Parameters: wire.Raw("\x81\xa6limits\x81\xa4time\x1e"), // {"limits": {"time": 30}}
	}
}

// BenchmarkQueue fills a backend's queue through TCP, b.N jobs with inputs of 500
// bytes, and reports what each costs in memory: live, and of the system.
func BenchmarkQueue(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(50)) // as the program does
	s := serve(b)
	client := s.dial(b, s.clients)
	client.say(&wire.ClientHello{Name: "me"})
	client.next()
	before := memory()
	for i := range b.N {
		client.say(newJob(i))
		if i%1000 == 999 { // no more than the queue of the socket holds
			client.say(&wire.Ping{})
			client.next()
		}
	}
	client.say(&wire.Ping{})
	client.next()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys-m.HeapReleased)/float64(1<<20), "MiB-peak")
	b.ReportMetric(float64(memory()-before)/float64(b.N), "live-B/op")
}

// memory is what is live on the heap.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkPingWhileListing measures how long a client waits for a Pong while
// ten others poll a queue of 30,000 jobs that changes all the time, each as soon
// as it has its answer. The same without the ten says what the machine does.
func BenchmarkPingWhileListing(b *testing.B) {
	for _, pollers := range []int{0, 10} {
		b.Run(fmt.Sprintf("pollers=%d", pollers), func(b *testing.B) { pingWhileListing(b, pollers) })
	}
}

func pingWhileListing(b *testing.B, pollers int) {
	s := serve(b)
	owner := s.dial(b, s.clients)
	owner.say(&wire.ClientHello{Name: "me"})
	owner.next()
	for i := range 30_000 {
		owner.say(newJob(i))
		if i%1000 == 999 { // no more than the queue of the socket holds
			owner.say(&wire.Ping{})
			owner.next()
		}
	}
	var listings atomic.Int64
	for range pollers {
		poller := s.dial(b, s.clients)
		poller.say(&wire.ClientHello{Name: "me"})
		poller.next()
		go poller.poll(&listings)
	}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		owner.say(newJob(1_000_000 + i))
		owner.say(&wire.Ping{})
		if m := owner.next(); m == nil {
			b.Fatal("the backend hung up")
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
	b.ReportMetric(ms(took[len(took)-1]), "worst-ms")
	b.ReportMetric(float64(listings.Load())/b.Elapsed().Seconds(), "listings/s")
}

// poll asks for the queue and waits for the answer until the connection is over.
func (r *remote) poll(count *atomic.Int64) {
	ask, err := r.dialect.Append(nil, &wire.ClientGetQueue{})
	for err == nil {
		err = r.dealer.Send(r.peer, ask)
		ev, open := <-r.dealer.Events()
		if !open || ev.Kind != wire.PeerMessage {
			return
		}
		count.Add(1)
	}
}
