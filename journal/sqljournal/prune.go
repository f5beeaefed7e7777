package sqljournal

import (
	"context"
	"database/sql"
	"time"

	"github.com/nexpay-go/resilience/journal/internal/entry"
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
// Prune processes the table by its primary key, a thousand rows per statement. Each
// statement commits by itself. After one that deleted rows, Prune pauses for as long as
// it took, at most 1 s. It locks only the rows that it deletes, and needs no additional index. n is
// the number of rows that were certainly deleted, also with an error: a batch whose
// answer was lost is not counted. Concurrent calls do no harm, and an interrupted
// Prune can be called again.
func (j *Journal) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	n, err = j.pruneAll(ctx, before)
	return n, j.described("prune", err)
}

// MinAge is how long an operation must have ended before Prune may delete it.
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
		if deleted > 0 && !sleep(ctx, min(time.Since(began), time.Second)) { // SQLite allows no other writes during a batch
			return n, ctx.Err()
		}
	}
}

// A part is a batch of Prune.
type part struct {
	rows int64
	end  string // the last ID
}

func (j *Journal) nextPart(ctx context.Context, last string) (part, error) {
	return persist(ctx, j, func(ctx context.Context, conn *sql.Conn) (p part, err error) {
		err = conn.QueryRowContext(ctx, j.page, last).Scan(&p.rows, &p.end)
		return p, err
	})
}
