package sqljournal

import (
	"context"
	"iter"

	"github.com/nexpay-go/resilience/retry"
)

// Pending yields the open entries in the order of their IDs. It queries them one by
// one, and holds no connection between two of them, because the pool may have only
// one.
func (j *Journal) Pending(ctx context.Context) iter.Seq2[retry.Entry, error] {
	return func(yield func(retry.Entry, error) bool) {
		for last := ""; ; {
			e, err := j.queryRow(ctx, j.nextOpen, last)
			if err == nil && e.ID == "" {
				return
			}
			if !yield(e, j.described("pending", err)) || err != nil {
				return
			}
			last = e.ID
		}
	}
}
