package sqljournal

import (
	"context"
	"iter"

	"github.com/nexpay-go/resilience/retry"
)

// Pending yields the open entries in the order of their IDs. It asks for one at a
// time, so that between two of them it holds no connection: there may be only one.
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
