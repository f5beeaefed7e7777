package sqljournal

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
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
	db                           *sql.DB
	table                        string
	dialect                      Dialect
	mustKeep                     bool
	schema                       []string
	insert, update, confirm, get string
	end, endUndated              string
	nextOpen, page, prune        string
	checked                      atomic.Bool // the last Check found the database to be durable
	warned                       atomic.Bool // that it is not
	hasty                        atomic.Bool // warned that busy_timeout is missing
	dated                        atomic.Bool // the table has the column ended_at
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
		db:         db,
		table:      c.Table,
		dialect:    c.Dialect,
		mustKeep:   c.MustKeep,
		schema:     schemaOf(c),
		insert:     in(insert),
		update:     in(update),
		confirm:    in(confirm),
		get:        in(get),
		end:        in(end),
		endUndated: in(endUndated),
		nextOpen:   in(nextOpen),
		page:       in(page),
		prune:      in(prune),
	}, nil
}
