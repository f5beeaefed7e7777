package sqljournal

import (
	"errors"
	"fmt"
	"regexp"
)

// Config configures a journal.
type Config struct {
	// Table is the table's name: letters, digits and underscores, at most 58, not
	// quoted. In PostgreSQL it may begin with a schema and a dot. Empty:
	// payment_journal.
	Table string

	// Dialect is the dialect of the database. Zero: PostgreSQL.
	Dialect Dialect

	// MustKeep refuses a database that may lose what it acknowledged, because
	// payments could be made twice: Migrate and the first Begin return [ErrForgets].
	// Set it in production. false: they log one warning through slog.Default() and go
	// on, because databases for tests and development are often not durable.
	MustKeep bool
}

// A Dialect is a kind of database.
type Dialect uint8

// The supported databases. Other databases need another [retry.Journal].
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

// PostgreSQL silently cuts names at 63 bytes, and "_open" is appended.
var tableName = regexp.MustCompile(`\A([A-Za-z_][A-Za-z0-9_]{0,62}\.)?([A-Za-z_][A-Za-z0-9_]{0,57})\z`)

func (c Config) check() error {
	var errs []error
	if !tableName.MatchString(c.Table) {
		errs = append(errs, fmt.Errorf("%.100q is not a valid table name", c.Table))
	}
	if c.Dialect > SQLite {
		errs = append(errs, fmt.Errorf("unknown dialect %v", c.Dialect))
	}
	return errors.Join(errs...)
}
