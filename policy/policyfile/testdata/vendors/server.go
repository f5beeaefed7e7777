package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A server gives one answer to every request, and keeps what it saw.
type server struct {
	url   string
	close func()

	mu       sync.Mutex // guards requests
	requests []request
}

// A request is what is kept of one.
type request struct {
	at           time.Time
	method, keys string
}

func serve(answers []answer) map[string]*server {
	all := map[string]*server{}
	for _, a := range answers {
		s := &server{}
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if strings.Contains(r.URL.Path, "/oauth2/token") { // what an SDK asks for before its call
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, `{"access_token":"x","token_type":"Bearer","expires_in":3600}`)
				return
			}
			s.saw(r, body)
			a.give(w)
		}))
		s.url = h.URL
		s.close = func() {
			h.CloseClientConnections()
			h.Close()
		}
		all[a.name] = s
	}
	return all
}

var (
	keyHeader = regexp.MustCompile(`(?i)^(.*idempotency-key|paypal-request-id)$`)
	keyField  = regexp.MustCompile(`"idempotency_key":"([^"]*)"`)
)

func (s *server) saw(r *http.Request, body []byte) {
	seen := request{at: time.Now(), method: r.Method}
	if m := keyField.FindSubmatch(body); m != nil {
		seen.keys = string(m[1])
	}
	for name, values := range r.Header {
		if keyHeader.MatchString(name) {
			seen.keys += strings.Join(values, ",")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, seen)
}

func (a answer) give(w http.ResponseWriter) {
	if a.status == 0 {
		panic(http.ErrAbortHandler)
	}
	if json.Valid([]byte(a.body)) || a.cut {
		w.Header().Set("Content-Type", "application/json")
	} else if a.body != "" {
		w.Header().Set("Content-Type", "text/html")
	}
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	if a.cut {
		w.Header().Set("Content-Length", "100")
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
	if a.cut {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// told is how many requests there were, how far apart, and whether those that may do something had a key: in words that are the
// same in every run.
func (s *server) told() (n int, pause, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pauses []time.Duration
	keys := map[string]bool{}
	gets := 0
	for i, r := range s.requests {
		if i > 0 {
			pauses = append(pauses, r.at.Sub(s.requests[i-1].at))
		}
		if r.method == http.MethodGet {
			gets++
		} else {
			keys[r.keys] = true
		}
	}
	switch {
	case keys[""]:
		key = "no key"
	case len(keys) == 1:
		key = "one key"
	default:
		key = "another key each time"
	}
	if len(pauses) > 0 {
		pause = apart(pauses)
	}
	if gets > 0 {
		pause = fmt.Sprintf("%d of them GET, ", gets) + pause
	}
	return len(s.requests), pause, key
}

// apart rounds the pauses between requests: most SDKs draw theirs by chance, and a machine may be slow.
func apart(pauses []time.Duration) string {
	const asked = 3 * time.Second // see retryAfter
	shortest, longest := slices.Min(pauses), slices.Max(pauses)
	switch {
	case shortest >= asked && longest < asked+asked/4:
		return "as long as asked"
	case longest < 1500*time.Millisecond:
		return "within 1.5 s"
	case longest < 10*time.Second:
		return "within 10 s"
	}
	return "longer"
}
