package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// A trouble is what goes wrong with a request for a charge.
type trouble int

const (
	none       trouble = iota
	decline            // the card is declined
	lose               // the card is charged, and the connection is cut before the answer
	inProgress         // the first request with this key is still being processed
	crash              // the card is charged, and the server fails before it answers
)

// A cardAPI charges once for each idempotency key that it remembers.
type cardAPI struct {
	*httptest.Server
	line *timeline

	mu      sync.Mutex
	script  []trouble
	charges map[string]int  // by key, of all time: two are a double charge
	kept    map[string]bool // keys that the API remembers
	posts   int
	lookups int
	trace   int
}

func newCardAPI(line *timeline) *cardAPI {
	a := &cardAPI{line: line, charges: map[string]int{}, kept: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /charges", a.charge)
	mux.HandleFunc("GET /charges/{key}", a.find)
	a.Server = httptest.NewServer(mux)
	return a
}

// begin sets the troubles of the next charges and resets the counts.
func (a *cardAPI) begin(troubles []trouble) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.script, a.posts, a.lookups = troubles, 0, 0
}

// charged adds a charge that was made some time ago. Its key is forgotten after a day.
func (a *cardAPI) charged(key string, ago time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.charges[key], a.kept[key] = 1, ago < 24*time.Hour
}

// seen returns the requests since begin, and how often a key was charged in all.
func (a *cardAPI) seen(key string) count {
	a.mu.Lock()
	defer a.mu.Unlock()
	return count{a.posts, a.lookups, a.charges[key]}
}

func (a *cardAPI) charge(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.posts++
	key := r.Header.Get("Idempotency-Key")
	next := none
	if len(a.script) > 0 {
		next, a.script = a.script[0], a.script[1:]
	}
	did := "knows the key, charges nothing"
	switch {
	case next == decline:
		did = "declines"
	case next == inProgress:
		did = "is still at work on the first"
	case !a.kept[key]:
		a.charges[key]++
		a.kept[key] = true
		did = "charges the card"
		if a.charges[key] > 1 {
			did = "charges the card AGAIN"
		}
	}
	sent := "POST " + key
	switch next {
	case decline:
		a.refuse(w, sent, did, http.StatusPaymentRequired, "card_declined", "The card has insufficient funds.")
	case inProgress:
		a.refuse(w, sent, did, http.StatusConflict, "key_in_progress", "A request with this key is under way.")
	case crash:
		a.refuse(w, sent, did, http.StatusInternalServerError, "internal_error", "Something went wrong.")
	case lose:
		a.line.Request(sent, did, "nothing: cut off")
		panic(http.ErrAbortHandler)
	default:
		a.answer(w, sent, did, http.StatusCreated, key)
	}
}

// find looks up a charge by its key. Only answers are forgotten, charges never.
func (a *cardAPI) find(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lookups++
	key := r.PathValue("key")
	if a.charges[key] == 0 {
		a.refuse(w, "GET "+key, "knows no such charge", http.StatusNotFound, "no_such_charge", "There is no such charge.")
		return
	}
	a.answer(w, "GET "+key, "finds the charge", http.StatusOK, key)
}

func (a *cardAPI) answer(w http.ResponseWriter, sent, did string, status int, key string) {
	id := strings.Replace(key, "invoice", "ch", 1)
	a.line.Request(sent, did, fmt.Sprintf("%d %s", status, id))
	a.write(w, status, map[string]string{"id": id})
}

func (a *cardAPI) refuse(w http.ResponseWriter, sent, did string, status int, code, message string) {
	a.line.Request(sent, did, fmt.Sprintf("%d %s", status, code))
	a.write(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

func (a *cardAPI) write(w http.ResponseWriter, status int, body any) {
	a.trace++
	w.Header().Set("Request-Id", fmt.Sprintf("req_%d", a.trace))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
