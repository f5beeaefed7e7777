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
// also by several processes.
//
// An ID has at most 1024 bytes. ID, key name, fingerprint and owner must be UTF-8
// text without NUL; otherwise the call returns an error and nothing is stored. In
// trace ids, which are for people, invalid UTF-8 is replaced.
//
// Errors wrap those of the driver, for errors.As. Their method SafeError returns a
// text with the SQLSTATE or SQLite's result code and without values of a row. Package
// retry prints that text.
type Journal struct {
	db                           *sql.DB
	table                        string
	dialect                      Dialect
	mustKeep                     bool
	schema                       []string
	insert, update, confirm, get string
	end, endUndated              string
	nextOpen, page, prune        string
	checked                      atomic.Bool // the last Check returned nil
	warned                       atomic.Bool // warned that the database is not durable
	hasty                        atomic.Bool // warned that busy_timeout is missing
	dated                        atomic.Bool // the table has the column ended_at
}

// New returns a journal in db, which must stay open while the journal is used. It
// does not connect. Its error lists everything that is wrong with the Config.
func New(db *sql.DB, c Config) (*Journal, error) {
	c.Table = cmp.Or(c.Table, "payment_journal")
	err := c.check()
	if db == nil {
		err = errors.Join(errors.New("db is nil"), err)
	}
	if err != nil {
		return nil, fmt.Errorf("sqljournal: %w", err)
	}
	// The name was checked. Parameters are in the order of their numbers, because
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
