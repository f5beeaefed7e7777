package sqljournal

import (
	"context"
	"database/sql"
	"time"

	"github.com/nexpay-go/resilience/journal/internal/entry"
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
// It goes through the table by its primary key, a thousand rows at a time, each batch a
// statement that commits by itself, after which it rests for as long as that took: it
// locks no rows but those that it deletes, and needs no index of its own. n is how many rows were deleted for certain, also with an
// error: a batch whose answer was lost is not in it. Several at once do no harm, and
// one that was interrupted can be called again.
func (j *Journal) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	n, err = j.pruneAll(ctx, before)
	return n, j.described("prune", err)
}

// MinAge is how long an operation must have ended before Prune may forget it.
const MinAge = entry.MinAge

func (j *Journal) pruneAll(ctx context.Context, before time.Time) (n int64, err error) {
	if err := entry.CheckBefore(before); err != nil {
		return 0, err
	}
	for last := ""; ; {
		p, err := j.nextPart(ctx, last)
		if err != nil || p.rows == 0 {
			return n, err
		}
		began := time.Now()
		deleted, err := j.changes(ctx, j.prune, last, p.end, stamp(before))
		if err != nil {
			return n, err
		}
		n, last = n+deleted, p.end
		if deleted > 0 && !sleep(ctx, min(time.Since(began), time.Second)) { // SQLite lets nobody write meanwhile
			return n, ctx.Err()
		}
	}
}

// A part is a batch of Prune.
type part struct {
	rows int64
	end  string // its last ID
}

func (j *Journal) nextPart(ctx context.Context, last string) (part, error) {
	return persist(ctx, j, func(ctx context.Context, conn *sql.Conn) (p part, err error) {
		err = conn.QueryRowContext(ctx, j.page, last).Scan(&p.rows, &p.end)
		return p, err
	})
}
