package main

import "sync"

// workers are goroutines that are reused: growing the stack of a new one for each call
// would take longer than the call.
type workers struct {
	mu   sync.Mutex
	idle []chan func()
	all  []chan func()
}

func (w *workers) do(job func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var one chan func()
	if n := len(w.idle); n > 0 {
		one, w.idle = w.idle[n-1], w.idle[:n-1]
	} else {
		one = make(chan func(), 1)
		w.all = append(w.all, one)
		go w.work(one)
	}
	one <- job
}

func (w *workers) work(jobs chan func()) {
	for job := range jobs {
		job()
		w.mu.Lock()
		w.idle = append(w.idle, jobs)
		w.mu.Unlock()
	}
}

// dismiss ends all workers. None may be busy.
func (w *workers) dismiss() {
	for _, one := range w.all {
		close(one)
	}
}
