package backend

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ingot-grading/ingot/backend/sched"
	"github.com/ingot-grading/ingot/wire"
)

// Handler serves the operator's view:
//
//	GET  /             a page that updates itself
//	GET  /events       the page's content as server-sent events
//	GET  /status.json  the same as JSON
//	GET  /metrics      for Prometheus, from reg
//	GET  /healthz      200 while Run answers
//	GET  /readyz       200 while new jobs are accepted
//	POST /kill         ends a job: client, job
//	POST /drain        keeps new jobs from an agent, or no longer: agent, on=true or false
//
// The two POST take a form and want the header "Authorization: Bearer TOKEN".
// With an empty token they are refused. Everything else is open to whoever can
// connect and shows who submitted what.
func (b *Backend) Handler(token string, reg prometheus.Gatherer) http.Handler {
	o := &observer{backend: b}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", page(o))
	for _, name := range []string{"page/page.css", "page/page.js"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, pageFiles, name) })
	}
	mux.Handle("GET /events", stream(o))
	mux.HandleFunc("GET /status.json", o.serveJSON)
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { b.health(w, r, false) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { b.health(w, r, true) })
	mux.Handle("POST /kill", guarded(token, b.serveKill))
	mux.Handle("POST /drain", guarded(token, b.serveDrain))
	return hardened(mux)
}

// hardened adds the headers that keep a browser from doing more than the page needs.
func hardened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// guarded lets in only who knows the token.
func guarded(token string, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case token == "":
			http.Error(w, "no operator token is configured", http.StatusForbidden)
		case !ok || subtle.ConstantTimeCompare([]byte(given), []byte(token)) != 1:
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "wrong token", http.StatusUnauthorized)
		default:
			r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
			next(w, r)
		}
	})
}

// serveKill ends a job. Unknown jobs are ignored, as their result may be under way.
func (b *Backend) serveKill(w http.ResponseWriter, r *http.Request) {
	client, err := strconv.ParseUint(r.PostFormValue("client"), 10, 64)
	if err != nil || r.PostFormValue("job") == "" {
		http.Error(w, "want client=NUMBER and job=ID", http.StatusBadRequest)
		return
	}
	job := r.PostFormValue("job")
	b.log.Info("operator kills a job", "job", job, "from", r.RemoteAddr)
	b.serveTell(w, r, sched.Kill{Client: wire.Peer(client), JobID: job})
}

func (b *Backend) serveDrain(w http.ResponseWriter, r *http.Request) {
	agent, err := strconv.ParseUint(r.PostFormValue("agent"), 10, 64)
	on, onErr := strconv.ParseBool(r.PostFormValue("on"))
	if err != nil || onErr != nil {
		http.Error(w, "want agent=NUMBER and on=true or false", http.StatusBadRequest)
		return
	}
	b.log.Info("operator drains an agent", "agent", agent, "on", on, "from", r.RemoteAddr)
	b.serveTell(w, r, sched.Drain{Agent: wire.Peer(agent), On: on})
}

func (b *Backend) serveTell(w http.ResponseWriter, r *http.Request, ev sched.Event) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	if err := b.Tell(ctx, ev); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// health answers 200 if Run does, and, if asked, only while new jobs are accepted.
func (b *Backend) health(w http.ResponseWriter, r *http.Request, ready bool) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	stopped := false
	err := b.Ask(ctx, func(s *sched.State) { stopped = s.Stopped() })
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	case ready && stopped:
		http.Error(w, "stopping", http.StatusServiceUnavailable)
	default:
		fmt.Fprintln(w, "ok")
	}
}

func (o *observer) serveJSON(w http.ResponseWriter, r *http.Request) {
	st := o.answer(w, r)
	if st == nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(st); err != nil {
		o.backend.log.Debug("status not delivered", "err", err)
	}
}

// answer returns the status, or tells the reader why there is none and returns nil.
func (o *observer) answer(w http.ResponseWriter, r *http.Request) *status {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	st, err := o.look(ctx)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return nil
	}
	return st
}
