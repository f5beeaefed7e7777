package sqljournal

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/nexpay-go/resilience/journal/internal/entry"
	"github.com/nexpay-go/resilience/retry"
)

// A Journal is a [retry.PendingJournal] in a table. It is safe for concurrent use,
// by several processes too.
//
// An ID may have up to 1024 bytes; it, the key's name, fingerprint and owner are
// text in UTF-8 without NUL. Anything else is an error, and nothing is stored. In
// trace ids, which are for people, bytes that are no UTF-8 are replaced.
//
// Errors wrap those of the driver, for errors.As. They have a method SafeError, whose
// text names SQLSTATE or SQLite's result code and has no value of a row: package retry
// prints that one.
type Journal struct {
	db                                 *sql.DB
	table                              string
	dialect                            Dialect
	mustKeep                           bool
	schema                             []string
	insert, update, end, get, nextOpen string
	checked                            atomic.Bool // the last Check found the database to be durable
	warned                             atomic.Bool // that it is not
	hasty                              atomic.Bool // warned that busy_timeout is missing
}

// New returns a journal in a database, which has to stay open as long as the
// journal is used. It does not talk to it. Its error tells all that is wrong.
func New(db *sql.DB, c Config) (*Journal, error) {
	c.Table = cmp.Or(c.Table, "payment_journal")
	err := c.check()
	if db == nil {
		err = errors.Join(errors.New("db is nil"), err)
	}
	if err != nil {
		return nil, fmt.Errorf("sqljournal: %w", err)
	}
	// The name was checked. Parameters come in the order of their numbers, as
	// drivers for SQLite number them by their first appearance.
	in := func(statement string) string { return strings.ReplaceAll(statement, "journal", c.Table) }
	return &Journal{
		db:       db,
		table:    c.Table,
		dialect:  c.Dialect,
		mustKeep: c.MustKeep,
		schema:   schemaOf(c),
		insert:   in(insert),
		update:   in(update),
		end:      in(end),
		get:      in(get),
		nextOpen: in(nextOpen),
	}, nil
}

// The statements, with journal for the table. Each is a compare-and-swap of its
// own: it does all or nothing at any isolation level.
const (
	insert = `INSERT INTO journal (key_name, fingerprint, owner, nonce, state, generation, begun_at, first_at, takes_ns, trace_ids, id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING`

	update = `UPDATE journal
SET key_name = $1, fingerprint = $2, owner = $3, nonce = $4, state = $5, generation = $6, begun_at = $7, first_at = $8, takes_ns = $9, trace_ids = $10
WHERE id = $11 AND generation = $12 AND state <> 'applied'`

	end = `UPDATE journal SET state = $1, trace_ids = $2 WHERE id = $3 AND generation = $4 AND state = 'open'`

	columns = `SELECT key_name, fingerprint, owner, nonce, state, generation, begun_at, first_at, takes_ns, trace_ids, id FROM journal `

	get = columns + `WHERE id = $1`

	nextOpen = columns + `WHERE state = 'open' AND id > $1 ORDER BY id LIMIT 1`
)

// Begin does what [retry.Journal] says. The first one calls [Journal.Check] if nobody
// has.
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
	statement, more := j.insert, []any{}
	if e.Generation != 0 {
		statement, more = j.update, []any{e.Generation}
	}
	e.Generation++
	row := rowOf(e)
	began, err := j.change(ctx, statement, append(row.values(), more...)...)
	switch {
	case err != nil:
		return retry.Entry{}, err
	case began:
		return row.entry()
	}
	return j.read(ctx, e.ID)
}

func (j *Journal) read(ctx context.Context, id string) (retry.Entry, error) {
	if err := entry.CheckID(id); err != nil {
		return retry.Entry{}, err
	}
	return j.queryRow(ctx, j.get, id)
}

// End does what [retry.Journal] says.
func (j *Journal) End(ctx context.Context, e retry.Entry) error {
	return j.described("end", j.finish(ctx, e))
}

func (j *Journal) finish(ctx context.Context, e retry.Entry) error {
	row := rowOf(e)
	ended, err := j.change(ctx, j.end, row.state, row.traceIDs, e.ID, e.Generation)
	if err != nil || ended {
		return err
	}
	held, err := j.read(ctx, e.ID)
	switch {
	case err != nil:
		return err
	case held.Generation != e.Generation || held.State != e.State:
		return entry.Busy(e)
	}
	return nil
}

// change executes a statement and reports whether it changed anything.
func (j *Journal) change(ctx context.Context, statement string, args ...any) (changed bool, err error) {
	err = again(func() error {
		result, err := j.db.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		changed = n > 0
		return err
	})
	return changed, err
}

// queryRow returns the zero Entry if there is no row.
func (j *Journal) queryRow(ctx context.Context, query string, arg string) (retry.Entry, error) {
	var r row
	err := again(func() error { return j.db.QueryRowContext(ctx, query, arg).Scan(r.pointers()...) })
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return retry.Entry{}, nil
	case err != nil:
		return retry.Entry{}, err
	}
	return r.entry()
}
