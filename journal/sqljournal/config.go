package sqljournal

import (
	"errors"
	"fmt"
	"regexp"
)

// Config says where the journal is.
type Config struct {
	// Table is its name: letters, digits and underscores, at most 58, not quoted;
	// in PostgreSQL a schema and a dot may come before it. Empty: payment_journal.
	Table string

	// Dialect of the database. Zero: PostgreSQL.
	Dialect Dialect

	// MustKeep refuses a database that may forget what it acknowledged, because
	// payments could be made twice: Migrate and the first Begin return [ErrForgets].
	// Set it in production. false: they warn of it once, through slog.Default(), and
	// go on, as databases of tests and of development are like that.
	MustKeep bool
}

// A Dialect is a kind of database.
type Dialect uint8

// The databases that a journal can be in. All others need another
// [retry.Journal].
const (
	PostgreSQL Dialect = iota // 9.6 or newer
	SQLite                    // 3.24 or newer
)

// String returns "PostgreSQL" or "SQLite".
func (d Dialect) String() string {
	switch d {
	case PostgreSQL:
		return "PostgreSQL"
	case SQLite:
		return "SQLite"
	}
	return fmt.Sprintf("Dialect(%d)", uint8(d))
}

// PostgreSQL cuts names at 63 bytes without a word; "_open" has to fit in.
var tableName = regexp.MustCompile(`\A([A-Za-z_][A-Za-z0-9_]{0,62}\.)?([A-Za-z_][A-Za-z0-9_]{0,57})\z`)

func (c Config) check() error {
	var errs []error
	if !tableName.MatchString(c.Table) {
		errs = append(errs, fmt.Errorf("%.100q is no name of a table", c.Table))
	}
	if c.Dialect > SQLite {
		errs = append(errs, fmt.Errorf("there is no %v", c.Dialect))
	}
	return errors.Join(errs...)
}
