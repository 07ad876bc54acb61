package backend

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingot-grading/ingot/wire"
)

// operator is what an operator does with the handler of a rig.
type operator struct {
	*rig
	http.Handler
}

func withOperator(t *testing.T, token string, test func(o *operator)) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	cfg := defaults()
	cfg.Metrics = reg
	inBubble(t, cfg, func(r *rig) { test(&operator{r, r.backend.Handler(token, reg)}) })
}

func (o *operator) get(path string) (status int, body string) {
	w := httptest.NewRecorder()
	o.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

func (o *operator) post(path, token string, form url.Values) int {
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	return w.Code
}

func (o *operator) status() (st status) {
	o.t.Helper()
	time.Sleep(period) // what was seen before may be shown again until then
	code, body := o.get("/status.json")
	if err := json.Unmarshal([]byte(body), &st); code != 200 || err != nil {
		o.t.Fatalf("status %d: %v in %s", code, err, body)
	}
	return st
}

func TestStatusPage(t *testing.T) {
	withOperator(t, "", func(o *operator) {
		a, c := o.agent("ingot-1", wire.GH, 1), o.client(wire.GH)
		evil := job("j2")
		evil.Launcher = "<script>alert(1)</script>"
		c.say(job("j0"), job("j1"), evil)
		hear[*wire.BackendNewJob](a)
		a.say(&wire.AgentJobDone{JobID: "j0", Result: wire.Result{Status: "success"}})
		hear[*wire.BackendJobDone](c)
		o.dial("clients", "", wire.GH) // one that says nothing does not count
		time.Sleep(3 * time.Second)
		st := o.status()
		if st.Waiting != 1 || st.Running != 1 || st.Slots != 1 || st.Clients != 1 || len(st.Agents) != 1 || len(st.Environments) != 1 ||
			st.RunningJobs[0].Job != "j1" || st.RunningJobs[0].Max != 30 || st.WaitingJobs[0].Job != "j2" || st.RecentJobs[0].Status != "success" ||
			st.Environments[0].NextWaited != 4 || st.WaitingJobs[0].Seconds != 4 || st.RunningJobs[0].Seconds != 4 {
			t.Errorf("status %+v", st)
		}
		code, body := o.get("/")
		for _, want := range []string{"j0", "j1", "j2", "docker/default", "course/task", "&lt;script&gt;"} {
			if code != 200 || !strings.Contains(body, want) {
				t.Errorf("page (%d) has no %s", code, want)
			}
		}
		if strings.Contains(body, evil.Launcher) {
			t.Error("the page contains a launcher's markup")
		}
		a.dealer.Cut()
		if st := o.status(); st.Slots != 0 || st.Agents[0].State != "away" {
			t.Errorf("without a connection: %+v", st)
		}
	})
}

// An environment that jobs wait for and nobody has stands out.
func TestPageShowsWhatIsStuck(t *testing.T) {
	withOperator(t, "", func(o *operator) {
		c := o.client(wire.GH)
		c.say(job("j1"))
		synctest.Wait()
		if _, body := o.get("/"); !strings.Contains(body, `class="stuck"`) {
			t.Error("a queue without agents looks as any other")
		}
		o.agent("", wire.GH, 1)
		time.Sleep(2 * time.Second) // the page is made once a second
		if _, body := o.get("/"); strings.Contains(body, `class="stuck"`) {
			t.Error("a queue with an agent looks stuck")
		}
	})
}

func TestPageIsStreamed(t *testing.T) {
	withOperator(t, "", func(o *operator) {
		read, write := io.Pipe()
		r := httptest.NewRequest("GET", "/events", nil)
		served := make(chan struct{})
		go func() {
			defer close(served)
			o.ServeHTTP(&streamed{header: http.Header{}, w: write}, r)
			write.CloseWithError(io.EOF)
		}()
		lines := bufio.NewReader(read)
		next := func() (event string) {
			for {
				line, err := lines.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if line == "\n" {
					return event
				}
				event += strings.TrimPrefix(line, "data: ")
			}
		}
		if e := next(); !strings.Contains(e, "No agent is connected") {
			t.Errorf("first event: %s", e)
		}
		o.agent("", wire.GH, 7)
		if e := next(); !strings.Contains(e, "<b>7</b> slots") {
			t.Errorf("second event: %s", e)
		}
		o.stop(errEnough)
		if _, err := io.Copy(io.Discard, lines); err != nil {
			t.Error(err)
		}
		<-served
	})
}

// A stream lasts as long as it is read, over the limit for reading a request too,
// and no longer.
func TestStreamsLastWhileTheyAreRead(t *testing.T) {
	withOperator(t, "", func(o *operator) {
		near, far := net.Pipe()
		defer near.Close()
		gone := make(chan struct{})
		srv := &http.Server{Handler: o, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
		srv.ConnState = func(_ net.Conn, s http.ConnState) {
			if s == http.StateClosed {
				close(gone)
			}
		}
		go srv.Serve(&one{conn: far}) //nolint:errcheck // it ends with its only connection
		if _, err := io.WriteString(near, "GET /events HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(near)
		for began := time.Now(); time.Since(began) < time.Minute; {
			if _, err := lines.ReadString('\n'); err != nil {
				t.Fatalf("the stream ended after %v: %v", time.Since(began), err)
			}
		}
		stopped := time.Now()
		<-gone
		if took := time.Since(stopped); took > 11*period {
			t.Errorf("a reader that stalls is let go after %v", took)
		}
	})
}

// one is a listener with one connection.
type one struct{ conn net.Conn }

func (l *one) Accept() (net.Conn, error) {
	c := l.conn
	if l.conn = nil; c == nil {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l *one) Close() error   { return nil }
func (l *one) Addr() net.Addr { return &net.UnixAddr{} }

// streamed is a ResponseWriter that hands on what is written.
type streamed struct {
	header http.Header
	w      io.Writer
}

func (s *streamed) Header() http.Header         { return s.header }
func (s *streamed) Write(b []byte) (int, error) { return s.w.Write(b) }
func (s *streamed) WriteHeader(int)             {}
func (s *streamed) Flush()                      {}

func TestKillAndDrainWantTheToken(t *testing.T) {
	withOperator(t, "secret", func(o *operator) {
		a, c := o.agent("", wire.GH, 1), o.client(wire.GH)
		c.say(job("j1"), job("j2"))
		hear[*wire.BackendNewJob](a)
		st := o.status()
		kill := url.Values{"client": {"1"}, "job": {"j2"}}
		drain := url.Values{"agent": {"1"}, "on": {"true"}}
		for _, token := range []string{"", "Secret", "secret "} {
			if o.post("/kill", token, kill) != 401 || o.post("/drain", token, drain) != 401 {
				t.Errorf("token %q opens", token)
			}
		}
		for _, c := range []struct {
			request, header string
			code            int
		}{
			{"POST /kill", "secret", 401},
			{"POST /kill?token=secret", "", 401},
			{"GET /kill?client=1&job=j2", "Bearer secret", 405}, // a link does nothing
			{"GET /drain?agent=1&on=true", "Bearer secret", 405},
		} {
			method, target, _ := strings.Cut(c.request, " ")
			r, w := httptest.NewRequest(method, target, nil), httptest.NewRecorder()
			r.Header.Set("Authorization", c.header)
			if o.ServeHTTP(w, r); w.Code != c.code {
				t.Errorf("%s with %q: %d, want %d", c.request, c.header, w.Code, c.code)
			}
		}
		if code := o.post("/kill", "secret", url.Values{"client": {"1"}, "job": {"j2"}, "more": {strings.Repeat("x", 1<<20)}}); code != 400 {
			t.Errorf("a form of 1 MByte: %d", code)
		}
		if code := o.post("/kill", "secret", url.Values{"client": {"x"}, "job": {"j1"}}); code != 400 {
			t.Errorf("bad form: %d", code)
		}
		if code := o.post("/drain", "secret", url.Values{"agent": {"1"}}); code != 400 {
			t.Errorf("bad form: %d", code)
		}
		c.quiet()
		if code := o.post("/kill", "secret", kill); code != 204 || st.WaitingJobs[0].Client != 1 {
			t.Errorf("kill: %d", code)
		}
		if done := hear[*wire.BackendJobDone](c); done.JobID != "j2" || done.Status != "killed" {
			t.Errorf("killed: %+v", done)
		}
		if code := o.post("/drain", "secret", drain); code != 204 || st.Agents[0].Peer != 1 {
			t.Errorf("drain: %d", code)
		}
		if st := o.status(); st.Agents[0].State != "drained" {
			t.Errorf("agent is %s", st.Agents[0].State)
		}
	})
}

func TestWithoutTokenNobodyKills(t *testing.T) {
	withOperator(t, "", func(o *operator) {
		if code := o.post("/kill", "", url.Values{"client": {"1"}, "job": {"j"}}); code != 403 {
			t.Errorf("status %d", code)
		}
	})
}

func TestHealthAndReadiness(t *testing.T) {
	withOperator(t, "", func(o *operator) {
		a, c := o.agent("", wire.GH, 1), o.client(wire.GH)
		probe := func(health, ready int) {
			t.Helper()
			h, _ := o.get("/healthz")
			r, _ := o.get("/readyz")
			if h != health || r != ready {
				t.Errorf("health %d, ready %d; want %d, %d", h, r, health, ready)
			}
		}
		probe(200, 200)
		c.say(job("j1"))
		hear[*wire.BackendNewJob](a)
		o.stop(errEnough)
		synctest.Wait()
		probe(200, 503)
		if err := <-o.ended; err != nil && !errors.Is(err, ErrClosed) {
			t.Fatal(err)
		}
		probe(503, 503)
	})
}

func TestMetricsCountWhatHappened(t *testing.T) {
	withOperator(t, "", func(o *operator) {
		a, c, bad := o.agent("", wire.GH, 1), o.client(wire.GH), o.client(wire.GH)
		odd := job("j3")
		odd.Environment, odd.Priority = "made\xffup", 77
		c.say(job("j1"), job("j2"), job("j2"), odd)
		hear[*wire.BackendNewJob](a)
		a.say(&wire.AgentJobDone{JobID: "j1", Result: wire.Result{Status: "brilliant"}})
		hear[*wire.BackendJobDone](c)
		bad.raw([]byte{0xc1})
		<-bad.lost
		synctest.Wait()
		code, body := o.get("/metrics")
		for _, want := range []string{
			`ingot_backend_jobs_running 1`,
			`ingot_backend_jobs_waiting{environment="other",priority="other"} 1`,
			`ingot_backend_jobs_waiting{environment="docker/default",priority="0"} 0`,
			`ingot_backend_jobs_waiting_bytes 66`,
			`ingot_backend_jobs_ended_total{end="result",status="other"} 1`,
			`ingot_backend_jobs_refused_total{reason="duplicate id"} 1`,
			`ingot_backend_job_run_seconds_count{environment="docker/default",status="other"} 1`,
			`ingot_backend_job_wait_seconds_count{environment="docker/default",priority="0"} 2`,
			`ingot_backend_connections_dropped_total{reason="bad message",side="client"} 1`,
			`ingot_backend_messages_received_total{side="client",type="ClientNewJob"} 4`,
			`ingot_backend_messages_sent_total{side="agent",type="BackendNewJob"} 2`,
			`ingot_backend_slots 1`, `ingot_backend_slots_busy 1`, `ingot_backend_clients 1`,
			`ingot_backend_agents{state="ready"} 1`,
		} {
			if code != 200 || !strings.Contains(body, want+"\n") {
				t.Errorf("metrics (%d) without %s", code, want)
			}
		}
		if t.Failed() {
			t.Log(body)
		}
	})
}
