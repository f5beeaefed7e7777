package journaltest_test

import (
	"context"
	"errors"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

// Prune forgets nothing without a flaw: what it would forget ended a day ago at least.
func (s *sketch) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	if s.flaw != pruneGoesOn && ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if s.flaw != prunesYoung && time.Since(before) < 24*time.Hour {
		return 0, errors.New("too young")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, e := range s.byID {
		if e.At.Before(before) && (e.State == retry.EntryOpen && s.flaw == prunesOpen || e.State != retry.EntryOpen && s.flaw == prunesByAt) {
			delete(s.byID, id)
			n++
		}
	}
	return n, nil
}
