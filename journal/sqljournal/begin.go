package sqljournal

import (
	"context"
	"fmt"

	"github.com/nexpay-go/resilience/journal/internal/entry"
	"github.com/nexpay-go/resilience/journal/internal/failure"
	"github.com/nexpay-go/resilience/retry"
)

// Begin implements [retry.Journal]. If nobody has called [Journal.Check], the first
// Begin does. If the table has an older generation than was acknowledged, or none,
// the error is [ErrForgets]: the database has lost the entry.
func (j *Journal) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	held, err := j.begin(ctx, e)
	return held, j.described("begin", err)
}

func (j *Journal) begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if e.Generation == retry.ReadGeneration {
		return j.read(ctx, e.ID)
	}
	if err := entry.Check(e); err != nil {
		return retry.Entry{}, err
	}
	if err := j.ensure(ctx); err != nil {
		return retry.Entry{}, err
	}
	text, more := j.insert, []any{}
	if e.Generation != 0 {
		text, more = j.update, []any{e.Generation}
	}
	e.Generation++
	row := rowOf(e)
	began, err := j.change(ctx, text, append(row.values(), more...)...)
	switch {
	case err != nil:
		return retry.Entry{}, err
	case began:
		return row.entry()
	}
	return j.taken(ctx, e)
}

// taken returns the stored entry where nothing was changed. That may be e, from an
// earlier statement whose answer was lost.
func (j *Journal) taken(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	held, err := j.read(ctx, e.ID)
	switch {
	case err != nil:
		return retry.Entry{}, err
	case held.Generation < e.Generation-1 && held.State != retry.EntryApplied:
		return retry.Entry{}, lost(held.Generation, e.Generation-1)
	case held.Generation == e.Generation && held.Owner == e.Owner && held.State == retry.EntryOpen:
		return j.confirmed(ctx, held)
	}
	return held, nil
}

// confirmed returns the stored entry once it is as durable as if its own statement
// had been acknowledged. That statement may have been cut off or cancelled while the
// server waited for its standbys: then the row is visible, but a failover may lose
// it. A later commit waits for it too.
func (j *Journal) confirmed(ctx context.Context, held retry.Entry) (retry.Entry, error) {
	if j.dialect != PostgreSQL {
		return held, nil
	}
	still, err := j.change(ctx, j.confirm, held.ID, held.Generation, held.Owner)
	switch {
	case err != nil:
		return retry.Entry{}, err
	case still:
		return held, nil
	}
	return j.read(ctx, held.ID)
}

// lost returns the error for an acknowledged generation that is not stored.
func lost(held, acknowledged int64) error {
	return failure.Wrap(fmt.Sprintf("generation %d of the operation was acknowledged, but the table has generation %d: "+
		"a failover to a server that was behind, a backup, or Prune has lost the later one", acknowledged, held), ErrForgets)
}

func (j *Journal) read(ctx context.Context, id string) (retry.Entry, error) {
	if err := entry.CheckID(id); err != nil {
		return retry.Entry{}, err
	}
	return j.queryRow(ctx, j.get, id)
}
