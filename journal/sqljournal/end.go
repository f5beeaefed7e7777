package sqljournal

import (
	"context"
	"time"

	"github.com/nexpay-go/resilience/journal/internal/entry"
	"github.com/nexpay-go/resilience/retry"
)

// End implements [retry.Journal].
func (j *Journal) End(ctx context.Context, e retry.Entry) error {
	return j.described("end", j.finish(ctx, e))
}

func (j *Journal) finish(ctx context.Context, e retry.Entry) error {
	ended, err := j.endRow(ctx, e)
	if err != nil || ended {
		return err
	}
	held, err := j.read(ctx, e.ID)
	switch {
	case err != nil:
		return err
	case held.Generation != e.Generation || held.State != e.State:
		return entry.Busy(e, held)
	}
	return nil
}

func (j *Journal) endRow(ctx context.Context, e retry.Entry) (ended bool, err error) {
	row, at := rowOf(e), ""
	if e.State != retry.EntryOpen {
		at = stamp(time.Now())
	}
	if dated, err := j.hasEnds(ctx); err != nil {
		return false, err
	} else if !dated {
		return j.change(ctx, j.endUndated, row.state, row.traceIDs, e.ID, e.Generation)
	}
	return j.change(ctx, j.end, row.state, row.traceIDs, at, e.ID, e.Generation)
}

// hasEnds reports whether the table has the column ended_at, which may be added at
// any time.
func (j *Journal) hasEnds(ctx context.Context) (bool, error) {
	if j.dated.Load() {
		return true, nil
	}
	has, err := j.has(ctx, endedAt)
	if has && err == nil {
		j.dated.Store(true)
	}
	return has, err
}
