package main

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/journal/boltjournal"
	"github.com/nexpay-go/resilience/retry"
)

// sample was sent long enough ago that whoever sent it is through with it, and not so
// long that only a person may send it again.
func sample(id string) retry.Entry {
	return retry.Entry{
		ID: id, Key: "main", Owner: "growth", Nonce: 7, State: retry.EntryOpen,
		At: time.Now().UTC().Add(-time.Minute), Takes: time.Second,
	}
}

// fill begins so many operations, many at a time: they share the flushes of the disk.
func fill(j retry.Journal, names []string) (err error) {
	todo := make(chan string)
	var workers sync.WaitGroup
	var mu sync.Mutex // guards err
	for range 256 {
		workers.Go(func() {
			for id := range todo {
				if _, failed := j.Begin(context.Background(), sample(id)); failed != nil {
					mu.Lock()
					err = failed
					mu.Unlock()
				}
			}
		})
	}
	for _, id := range names {
		todo <- id
	}
	close(todo)
	workers.Wait()
	return err
}

// beginAndEnd begins an operation anew that was proved not to have happened, and ends
// it so.
func beginAndEnd(j retry.Journal, names []string) func(int) {
	held := make(map[string]int64, len(names))
	for _, id := range names {
		held[id] = 1
	}
	return round(names, func(id string) {
		e := sample(id)
		e.Generation = held[id]
		e, err := j.Begin(context.Background(), e)
		if err != nil || e.Generation != held[id]+1 {
			panic("the entry was not begun")
		}
		held[id] = e.Generation
		if e.State = retry.EntryNotApplied; j.End(context.Background(), e) != nil {
			panic("the entry was not ended")
		}
	})
}

func memoryJournal(used int) subject {
	return func(n int) (func(int), func(), error) {
		j := new(retry.MemoryJournal)
		err := fill(j, named(n, invoice))
		return beginAndEnd(j, shuffled(n, invoice)[:min(used, n)]), nothing, err
	}
}

// bolt is a journal with n open entries in a file that end removes.
func bolt(n int) (j *boltjournal.Journal, names []string, end func(), err error) {
	dir, err := os.MkdirTemp("", "growth")
	if err != nil {
		return nil, nil, nil, err
	}
	remove := func() { _ = os.RemoveAll(dir) }
	if j, err = boltjournal.Open(boltjournal.Config{Path: filepath.Join(dir, "journal")}); err != nil {
		remove()
		return nil, nil, nil, err
	}
	return j, shuffled(n, invoice), func() { _ = j.Close(); remove() }, fill(j, named(n, invoice))
}

func boltRead(n int) (func(int), func(), error) {
	j, names, end, err := bolt(n)
	return round(names, func(id string) {
		if _, err := j.Begin(context.Background(), retry.Entry{ID: id, Generation: retry.ReadGeneration}); err != nil {
			panic(err)
		}
	}), end, err
}

func boltWrite(n int) (func(int), func(), error) {
	j, names, end, err := bolt(n)
	return beginAndEnd(j, names), end, err
}

// boltPending goes on with a listing, and begins another one at its end.
func boltPending(n int) (func(int), func(), error) {
	j, _, end, err := bolt(n)
	if err != nil {
		return nil, nil, err
	}
	next, stop := func() (retry.Entry, error, bool) { return retry.Entry{}, nil, false }, func() {}
	return func(times int) {
		for range times {
			_, err, more := next()
			if err != nil {
				panic(err)
			}
			if !more {
				stop()
				next, stop = iter.Pull2(j.Pending(context.Background()))
			}
		}
	}, func() { stop(); end() }, nil
}
