package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
)

// What the API does with a request, instead of a charge and its answer.
type trouble int

const (
	none     trouble = iota
	decline          // the card is declined
	lose             // the charge is made, and the connection cut before the answer
	underWay         // the first request with the key is not through yet
	outage           // nothing is done, and a 500 is kept under the key until the API recovers
)

// A cardAPI charges each idempotency key once.
type cardAPI struct {
	*httptest.Server
	line *timeline

	mu       sync.Mutex
	script   []trouble
	charges  map[string]int    // made, by key: more than one is the mistake that must not be
	answers  map[string]string // kept, by key
	requests int
}

func newCardAPI(line *timeline) *cardAPI {
	a := &cardAPI{line: line, charges: map[string]int{}, answers: map[string]string{}}
	a.Server = httptest.NewServer(a)
	return a
}

// will has the next requests meet this.
func (a *cardAPI) will(script ...trouble) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.script, a.requests = script, 0
}

func (a *cardAPI) seen(key string) (requests, charges int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.requests, a.charges[key]
}

func (a *cardAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests++
	key := r.Header.Get("Idempotency-Key")
	meets := none
	if len(a.script) > 0 {
		meets, a.script = a.script[0], a.script[1:]
	}
	w.Header().Set("Request-Id", fmt.Sprintf("req_%d", a.requests))
	switch {
	case meets == decline:
		a.line.api(key, "402 card_declined")
		a.refuse(w, http.StatusPaymentRequired, "card_declined", "The card has insufficient funds.")
	case meets == underWay:
		a.line.api(key, "409 key_in_progress")
		a.refuse(w, http.StatusConflict, "key_in_progress", "A request with this key is under way.")
	case meets == outage:
		a.line.api(key, "500 internal_error, nothing charged")
		a.refuse(w, http.StatusInternalServerError, "internal_error", "Please try again.")
	case a.answers[key] != "":
		a.line.api(key, "201 "+a.answers[key]+", the answer kept under the key")
		a.charged(w, key)
	default:
		a.charges[key]++
		a.answers[key] = "ch_" + key
		if meets == lose {
			a.line.api(key, "charges the card, and its answer is lost")
			panic(http.ErrAbortHandler)
		}
		a.line.api(key, "charges the card: 201 ch_"+key)
		a.charged(w, key)
	}
}

func (a *cardAPI) charged(w http.ResponseWriter, key string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]string{"id": "ch_" + key})
}

func (a *cardAPI) refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": code, "message": message}})
}
