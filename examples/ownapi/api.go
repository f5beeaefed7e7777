package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// A failure is an error of the API as this client returns it. A method ErrorCode
// is all it takes to be judged by the catalog.
type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (f *failure) Error() string  { return fmt.Sprintf("papaya: %d %s", f.Code, f.Message) }
func (f *failure) ErrorCode() int { return f.Code }

// A client speaks the API: a POST of JSON to a path, answered by {"result":…} or
// {"failure":{"code":…}}, always with HTTP 200.
type client struct {
	url  string
	http *http.Client
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
	defer resp.Body.Close()
	var answer struct {
		Result  string   `json:"result"`
		Failure *failure `json:"failure"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, resp.Body, 1<<20)).Decode(&answer); err != nil {
		return "", fmt.Errorf("papaya: unreadable answer: %w", err)
	}
	if answer.Failure != nil {
		return "", answer.Failure
	}
	return answer.Result, nil
}

// A papaya is the server, which fails by a script.
type papaya struct {
	*httptest.Server
	mu     sync.Mutex
	script []int           // codes of the next answers; negative: done, but the answer is lost
	done   map[string]bool // transfers
	calls  int
}

func newPapaya() *papaya {
	p := &papaya{done: map[string]bool{}}
	p.Server = httptest.NewServer(p)
	return p
}

func (p *papaya) fail(codes ...int) {
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
	code := 0
	if len(p.script) > 0 {
		code, p.script = p.script[0], p.script[1:]
	}
	answer := map[string]any{"result": "ok"}
	switch {
	case code > 0:
		answer = map[string]any{"failure": failure{code, "says the handbook"}}
	case r.URL.Path == "/transfer":
		p.done[in.ID] = true
	case r.URL.Path == "/transfer/status" && p.done[in.ID]:
		answer["result"] = "executed"
	case r.URL.Path == "/transfer/status":
		answer = map[string]any{"failure": failure{1404, "no such transfer"}}
	}
	if code < 0 {
		panic(http.ErrAbortHandler)
	}
	_ = json.NewEncoder(w).Encode(answer)
}
