package resiliencedebug

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/retry"
)

// A page is what New makes. It does not change.
type page struct {
	title    string
	names    []string // of the retriers, sorted
	retriers map[string]*retry.Retrier
	breakers map[string]*breaker.Breaker
	journals []*lister
	settle   time.Duration
	actions  *Actions // nil: the page only shows
}

// ServeHTTP answers with the page, its JSON, or one of the pages of an action.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	headers(w.Header())
	switch {
	case r.Method == http.MethodPost && p.actions != nil:
		p.act(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		if p.actions != nil {
			w.Header().Set("Allow", "GET, HEAD, POST")
		}
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	case r.URL.Query().Has("action"):
		p.confirm(w, r)
	default:
		p.show(w, r)
	}
}

// headers sets the headers of every answer. Referrer-Policy is not no-referrer: with that,
// browsers send "Origin: null" with a POST, and on plain http only Origin shows where it
// comes from.
func headers(h http.Header) {
	h.Set("Content-Security-Policy", securityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

func (p *page) show(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Query().Get("format") {
	case "", "html":
		render(w, http.StatusOK, "page", p.report(r))
	case "json":
		answer, err := json.Marshal(p.report(r))
		if err != nil { // nothing in a report can do that
			http.Error(w, "the report could not be encoded", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(answer)
	default:
		http.Error(w, "format must be html or json", http.StatusBadRequest)
	}
}

// render answers with the whole template, or with an error.
func render(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, "the page could not be rendered", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
