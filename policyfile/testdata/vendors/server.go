package main

import (
	"encoding/json"
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
			if r.Method == http.MethodGet {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, a.found)
				return
			}
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

// A sight is what a server saw of one call, in words that are the same in every run.
type sight struct {
	requests, gets int
	key            string // whether those that may do something had an idempotency key
	pauses         []time.Duration
}

func (s *server) sight() (v sight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := map[string]bool{}
	for i, r := range s.requests {
		if i > 0 {
			v.pauses = append(v.pauses, r.at.Sub(s.requests[i-1].at))
		}
		if r.method == http.MethodGet {
			v.gets++
		} else {
			keys[r.keys] = true
		}
	}
	switch v.requests = len(s.requests); {
	case keys[""]:
		v.key = "no key"
	case len(keys) == 1:
		v.key = "one key"
	default:
		v.key = "another key each time"
	}
	return v
}

// patience compares the pauses with what Retry-After asked for. Of others nothing is said: most SDKs draw theirs by chance.
func (v sight) patience() string {
	const asked = 3 * time.Second // see retryAfter
	switch {
	case slices.Min(v.pauses) < asked:
		return "sooner than asked"
	case slices.Max(v.pauses) < asked+asked/4:
		return "as asked"
	}
	return "later than asked"
}
