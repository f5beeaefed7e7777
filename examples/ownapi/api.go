package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/nexpay-go/resilience/classify"
)

// A client speaks the API: a POST of JSON to a path, answered by {"result":…} or
// {"failure":{"reason":…,"text":…}}, always with HTTP 200. It is an ordinary client;
// what answers mean is in papaya.yaml, by which the catalog reads them.
type client struct {
	url     string
	http    *http.Client
	catalog *classify.Catalog
}

func (c *client) call(ctx context.Context, path string, in any) (string, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, strings.NewReader(string(body)))
	if err != nil {
		return "", err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	var answer struct {
		Result string `json:"result"`
	}
	err = c.catalog.ReadJSON(resp, &answer)
	return answer.Result, err
}

// A papaya is the server, which fails by a script.
type papaya struct {
	*httptest.Server
	mu     sync.Mutex
	script []string        // codes of the next answers; lost: done, but the answer is lost
	done   map[string]bool // transfers
	calls  int
}

// lost stands in a script for an answer that is.
const lost = ""

func newPapaya() *papaya {
	p := &papaya{done: map[string]bool{}}
	p.Server = httptest.NewServer(p)
	return p
}

func (p *papaya) fail(codes ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script = codes
}

// count is how many requests have come.
func (p *papaya) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

func (p *papaya) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	var in struct{ ID string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	code, scripted := "", len(p.script) > 0
	if scripted {
		code, p.script = p.script[0], p.script[1:]
	}
	answer := map[string]any{"result": "ok"}
	switch {
	case code != "":
		answer = failed(code)
	case r.URL.Path == "/transfer":
		p.done[in.ID] = true
	case r.URL.Path == "/transfer/status" && p.done[in.ID]:
		answer["result"] = "executed"
	case r.URL.Path == "/transfer/status":
		answer = failed("no_such_transfer")
	}
	if scripted && code == lost {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func failed(code string) map[string]any {
	return map[string]any{"failure": map[string]string{"reason": code, "text": "says the handbook"}, "ticket": "p-17"}
}
