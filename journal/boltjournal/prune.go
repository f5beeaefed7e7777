package boltjournal

import (
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/nexpay-go/resilience/journal/internal/entry"
	"github.com/nexpay-go/resilience/retry"
)

// Prune deletes the entries of operations, applied or not, that began and ended
// before a time. It never deletes open entries.
//
// A pruned payment can be made AGAIN: a later DoOnce with its ID finds nothing, and
// sends it. So before must be earlier than any ID that can still be requested: by a
// queue that redelivers, by a person who repeats a batch, from your own database
// after a restore. A year is a good age. An age of less than [MinAge] is an error,
// and nothing is deleted. Unless the API itself refuses a known ID for ever, keep
// entries as long as your accounting records.
//
// Prune processes a thousand entries per transaction; payments go on between
// transactions. n is the number of entries that were certainly deleted, also with an
// error. An interrupted Prune can be called again. The file does not shrink: new
// entries reuse the space.
func (j *Journal) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	n, err = j.pruneAll(ctx, before)
	return n, described("prune", err)
}

// MinAge is how long an operation must have ended before Prune may delete it.
const MinAge = entry.MinAge

// batch is the number of entries that one transaction of Prune processes.
const batch = 1000

func (j *Journal) pruneAll(ctx context.Context, before time.Time) (n int64, err error) {
	if err := entry.CheckBefore(before); err != nil {
		return 0, err
	}
	for last := []byte(nil); ; {
		p := &pruning{before: before, last: last} // allocated: it may be written after ctx has ended and pruneAll has returned
		if err := j.commits.do(ctx, p.delete); err != nil {
			return n, err
		}
		if n += p.deleted; p.seen < batch {
			return n, nil
		}
		last = p.last
	}
}

// A pruning is one batch.
type pruning struct {
	before        time.Time
	last          []byte // the last ID of the previous batch
	seen, deleted int64
}

func (p *pruning) delete(tx *bolt.Tx) (changed bool, err error) {
	b := tx.Bucket(root).Bucket(entries)
	var old [][]byte // deleted after the loop: a cursor does not allow deletions
	cursor := b.Cursor()
	id, value := cursor.Seek(p.last)
	if p.last != nil && string(id) == string(p.last) {
		id, value = cursor.Next()
	}
	for ; id != nil && p.seen < batch; id, value = cursor.Next() {
		p.seen, p.last = p.seen+1, append([]byte(nil), id...)
		e, ended, err := decodeEnded(string(id), value)
		if err != nil {
			return false, err
		}
		if e.State != retry.EntryOpen && e.At.Before(p.before) && ended.Before(p.before) {
			old = append(old, p.last)
		}
	}
	for _, id := range old {
		if err := b.Delete(id); err != nil {
			return true, err
		}
	}
	p.deleted = int64(len(old))
	return len(old) > 0, nil
}
