package boltjournal

import (
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/nexpay-go/resilience/journal/internal/entry"
	"github.com/nexpay-go/resilience/retry"
)

// Prune deletes the entries of operations that ended before a time, applied or not,
// and were begun before it. Open ones stay, however old they are.
//
// An applied operation that is pruned is a payment that can be made AGAIN: a later
// DoOnce with its ID finds nothing, and sends it. So before must lie further back than
// anybody may still ask for an ID: a queue that delivers again, a person who repeats a
// batch, a database of yours restored from a backup. A year is a good time; less than
// [MinAge] ago is an error, and deletes nothing. Unless the API itself refuses an ID
// that it knows, for ever, keep what your books keep.
//
// It goes through the file a thousand entries at a time, each batch a transaction of
// its own, between which payments go on. n is how many entries were deleted for
// certain, also with an error. One that was interrupted can be called again. The file
// does not become smaller: what is begun later takes the place.
func (j *Journal) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	n, err = j.pruneAll(ctx, before)
	return n, described("prune", err)
}

// MinAge is how long an operation must have ended before Prune may forget it.
const MinAge = entry.MinAge

// batch is how many entries one transaction of Prune looks at.
const batch = 1000

func (j *Journal) pruneAll(ctx context.Context, before time.Time) (n int64, err error) {
	if err := entry.CheckBefore(before); err != nil {
		return 0, err
	}
	for last := []byte(nil); ; {
		p := &pruning{before: before, last: last} // of its own: it may be written after a context made us return
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
	last          []byte // the ID that the last batch ended with
	seen, deleted int64
}

func (p *pruning) delete(tx *bolt.Tx) (changed bool, err error) {
	b := tx.Bucket(root).Bucket(entries)
	var old [][]byte // deleted when the cursor is through: it does not stand deletions
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
