package boltjournal

import (
	"context"
	"fmt"
	"iter"

	bolt "go.etcd.io/bbolt"

	"github.com/nexpay-go/resilience/retry"
)

// Pending yields the open entries in the order of their IDs. Between two entries it
// keeps no transaction open.
func (j *Journal) Pending(ctx context.Context) iter.Seq2[retry.Entry, error] {
	return func(yield func(retry.Entry, error) bool) {
		for last := ""; ; {
			e, err := j.nextOpen(ctx, last)
			if err == nil && e.ID == "" {
				return
			}
			if !yield(e, described("pending", err)) || err != nil {
				return
			}
			last = e.ID
		}
	}
}

// nextOpen returns the first open entry after an ID, or the zero Entry.
func (j *Journal) nextOpen(ctx context.Context, last string) (e retry.Entry, err error) {
	if err := ctx.Err(); err != nil {
		return e, err
	}
	err = j.commits.view(func(tx *bolt.Tx) error {
		cursor := tx.Bucket(root).Bucket(open).Cursor()
		id, _ := cursor.Seek([]byte(last))
		if string(id) == last {
			id, _ = cursor.Next()
		}
		if id == nil {
			return nil
		}
		if e, err = get(tx, string(id)); err == nil && e.ID == "" {
			err = fmt.Errorf("%w: %q is open, and has no entry", ErrDamaged, id)
		}
		return err
	})
	return e, err
}
