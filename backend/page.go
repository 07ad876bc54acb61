package backend

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

func templates() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"duration": duration,
		"clock":    func(t time.Time) string { return t.Format(time.TimeOnly) },
		"since":    func(from, to time.Time) string { return duration(to.Sub(from).Seconds()) },
		"join":     func(s []string) string { return strings.Join(s, " ") },
	}).ParseFS(pageFiles, "page/*.html"))
}

// duration spells seconds for people.
func duration(s float64) string {
	switch {
	case s < 0.9995:
		return fmt.Sprintf("%.0f ms", s*1000)
	case s < 10:
		return fmt.Sprintf("%.1f s", s)
	case s < 60:
		return fmt.Sprintf("%.0f s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %02d s", int(s)/60, int(s)%60)
	case s < 48*3600:
		return fmt.Sprintf("%d h %02d min", int(s)/3600, int(s)/60%60)
	}
	return fmt.Sprintf("%d days", int(s)/86400)
}

// page serves the whole page as it is now.
func page(o *observer) http.Handler {
	t := templates()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		st := o.answer(w, r)
		if st == nil {
			return
		}
		var buf bytes.Buffer
		if err := t.ExecuteTemplate(&buf, "page.html", st); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if _, err := buf.WriteTo(w); err != nil {
			o.backend.log.Debug("page not delivered", "err", err)
		}
	})
}

// stream serves what is inside the page's main element as server-sent events,
// one each period, until the reader goes or Run ends.
func stream(o *observer) http.Handler {
	t := templates()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		out := http.NewResponseController(w)
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			st, err := o.look(r.Context())
			if err != nil {
				return
			}
			var buf bytes.Buffer
			if err := t.ExecuteTemplate(&buf, "main.html", st); err != nil {
				return
			}
			// A reader that stalls is let go. Not every writer has deadlines.
			if err := out.SetWriteDeadline(time.Now().Add(10 * period)); err != nil && !errors.Is(err, http.ErrNotSupported) {
				return
			}
			event := "data: " + strings.ReplaceAll(buf.String(), "\n", "\ndata: ") + "\n\n"
			if _, err := w.Write([]byte(event)); err != nil {
				return
			}
			if err := out.Flush(); err != nil {
				return
			}
			select {
			case <-r.Context().Done():
				return
			case <-o.backend.done:
				return
			case <-tick.C:
			}
		}
	})
}
