package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
)

// A failure is an answer without a result.
type failure struct {
	status int
	reason string
	text   string
}

var (
	busy     = failure{503, "ledger_busy", "The ledger is being written."}
	endOfDay = failure{200, "end_of_day", "Closed until 8:00."} // a failure, as its documentation says
	revoked  = failure{401, "token_revoked", "This token was revoked."}
	noSuch   = failure{404, "no_such_transfer", "There is no such transfer."}
	lost     = failure{} // the request is carried out, and the answer is lost
)

// A papaya is the server. It fails as its script says.
type papaya struct {
	*httptest.Server
	line *timeline

	mu        sync.Mutex
	script    []failure
	transfers int // executed, with any ID
	requests  int
}

func newPapaya(line *timeline) *papaya {
	p := &papaya{line: line}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /balance", p.meet(func() (string, bool) { return "42.00", true }))
	mux.HandleFunc("POST /transfers", p.meet(func() (string, bool) { p.transfers++; return "executed", true }))
	mux.HandleFunc("GET /transfers/{id}", p.meet(func() (string, bool) { return "executed", p.transfers > 0 }))
	p.Server = httptest.NewServer(mux)
	return p
}

// fail sets the failures of the next requests and resets the count of requests.
func (p *papaya) fail(script ...failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script, p.requests = script, 0
}

// seen returns the requests since fail, and the transfers of all time.
func (p *papaya) seen() (requests, transfers int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests, p.transfers
}

// meet returns a handler: it answers with the result of do, unless the script has a failure.
func (p *papaya) meet(do func() (result string, found bool)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.requests++
		sent := r.Method + " " + r.URL.Path
		if len(p.script) > 0 {
			f := p.script[0]
			p.script = p.script[1:]
			if f == lost {
				do()
				p.line.Request(sent, "executed, and the answer lost")
				panic(http.ErrAbortHandler)
			}
			p.refuse(w, sent, f)
			return
		}
		result, found := do()
		if !found {
			p.refuse(w, sent, noSuch)
			return
		}
		p.line.Request(sent, "200 "+result)
		write(w, http.StatusOK, map[string]any{"id": r.PathValue("id"), "result": result})
	}
}

func (p *papaya) refuse(w http.ResponseWriter, sent string, f failure) {
	p.line.Request(sent, fmt.Sprintf("%d %s", f.status, f.reason))
	write(w, f.status, map[string]any{
		"failure": map[string]string{"reason": f.reason, "text": f.text}, "ticket": fmt.Sprintf("p-%d", p.requests),
	})
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
