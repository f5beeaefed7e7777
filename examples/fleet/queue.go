package main

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// A queue hands out invoices over HTTP and receives the results. It stands for the broker
// or the table that a team has. It hands out again what a dead worker had taken, and what
// could not be paid yet.
type queue struct {
	url      string
	server   *http.Server
	progress progress

	mu    sync.Mutex
	todo  []string
	taken map[string]string // invoice → worker
	paid  map[string]string // invoice → worker
	later int               // handed back
	opens time.Time         // nothing is handed out before this
	all   int
	done  chan struct{} // closed when all are paid
}

func openQueue(n int, opens time.Time) (*queue, error) {
	q := &queue{taken: map[string]string{}, paid: map[string]string{}, opens: opens, all: n, done: make(chan struct{})}
	for i := range n {
		q.todo = append(q.todo, fmt.Sprintf("inv-%04d", i))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /take", q.take)
	mux.HandleFunc("POST /paid", q.isPaid)
	mux.HandleFunc("POST /later", q.isLater)
	q.url, q.server = "http://"+listener.Addr().String(), &http.Server{Handler: mux}
	go func() { _ = q.server.Serve(listener) }()
	return q, nil
}

func (q *queue) close() { _ = q.server.Close() }

// take answers with an invoice, with 204 if there is none at present, or with 410 if all
// are paid.
func (q *queue) take(w http.ResponseWriter, r *http.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(q.paid) == q.all:
		w.WriteHeader(http.StatusGone)
	case len(q.todo) == 0, time.Now().Before(q.opens):
		w.WriteHeader(http.StatusNoContent)
	default:
		id := q.todo[0]
		q.todo = q.todo[1:]
		q.taken[id] = r.FormValue("worker")
		_, _ = fmt.Fprint(w, id)
	}
}

// isPaid may be called twice for an invoice: by the worker that took it, and by the one
// that recovered it.
func (q *queue) isPaid(_ http.ResponseWriter, r *http.Request) {
	id, worker := r.FormValue("id"), r.FormValue("worker")
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.taken, id)
	if q.paid[id] != "" {
		return
	}
	q.paid[id] = worker
	q.progress.Step()
	if len(q.paid) == q.all {
		close(q.done)
	}
}

func (q *queue) isLater(_ http.ResponseWriter, r *http.Request) {
	id := r.FormValue("id")
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.paid[id] != "" {
		return
	}
	q.later++
	delete(q.taken, id)
	q.todo = append(q.todo, id)
}

// dead puts back the invoices that a dead worker had taken.
func (q *queue) dead(worker string) (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, by := range q.taken {
		if by == worker {
			delete(q.taken, id)
			q.todo = append(q.todo, id)
			n++
		}
	}
	return n
}

// count returns how many invoices are paid.
func (q *queue) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.paid)
}
