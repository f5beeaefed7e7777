package retry

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
)

// A MemoryJournal is a [Journal] in memory, for tests and for programs that call [DoOnce]
// more than once for the same ID. The zero value is ready to use. It is safe for concurrent
// use and never forgets an entry.
type MemoryJournal struct {
	mu      sync.Mutex // guards entries
	entries map[string]Entry
}

// Begin implements [Journal].
func (j *MemoryJournal) Begin(ctx context.Context, e Entry) (Entry, error) {
	if err := ctx.Err(); err != nil {
		return Entry{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	held := j.entries[e.ID]
	if held.Generation == e.Generation && held.State != EntryApplied {
		e.Generation++
		e.TraceIDs = slices.Clone(e.TraceIDs)
		if j.entries == nil {
			j.entries = make(map[string]Entry)
		}
		j.entries[e.ID], held = e, e
	}
	held.TraceIDs = slices.Clone(held.TraceIDs)
	return held, nil
}

// End implements [Journal].
func (j *MemoryJournal) End(ctx context.Context, e Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	held := j.entries[e.ID]
	switch {
	case held.Generation != e.Generation || held.State != EntryOpen && held.State != e.State:
		return fmt.Errorf("journal: generation %d of the operation is not open: %w", e.Generation, ErrBusy)
	case held.State == EntryOpen:
		held.State, held.TraceIDs = e.State, slices.Clone(e.TraceIDs)
		j.entries[e.ID] = held
	}
	return nil
}

// Pending implements [PendingJournal]. It yields the open entries in the order of their
// Begins.
func (j *MemoryJournal) Pending(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, listed := range j.open() {
			e, err := j.Begin(ctx, Entry{ID: listed.ID, Generation: ReadGeneration})
			if err == nil && e.State != EntryOpen {
				continue // it was ended since
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func (j *MemoryJournal) open() (open []Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.entries {
		if e.State == EntryOpen {
			open = append(open, e)
		}
	}
	slices.SortFunc(open, func(a, b Entry) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return open
}
