package sqljournal

import (
	"context"
	"fmt"
	"strings"
)

// Schema returns the statements that make the table and its index, unless they are
// there, as they stand in a file of migrations.
func (j *Journal) Schema() string { return strings.Join(j.schema, ";\n\n") + ";\n" }

// Migrate makes the table and its index, unless they are there. Several processes
// may do so at once.
func (j *Journal) Migrate(ctx context.Context) error {
	for _, statement := range j.schema {
		err := again(func() error {
			_, err := j.db.ExecContext(ctx, statement)
			return err
		})
		if err != nil {
			return fmt.Errorf("sqljournal: migrate: %w", err)
		}
	}
	return nil
}

// schemaOf compares IDs byte by byte, because two IDs are two payments. In
// PostgreSQL that also keeps the index right when the system's collations change.
// Columns are text where people may want to read them; times are such that they
// sort, and convert to timestamptz.
func schemaOf(c Config) []string {
	collation := map[Dialect]string{PostgreSQL: `"C"`, SQLite: "BINARY"}[c.Dialect]
	_, index := cutSchema(c.Table)
	return []string{
		`CREATE TABLE IF NOT EXISTS ` + c.Table + ` (
	id          TEXT COLLATE ` + collation + ` NOT NULL PRIMARY KEY,
	key_name    TEXT   NOT NULL,
	fingerprint TEXT   NOT NULL,
	owner       TEXT   NOT NULL,
	nonce       BIGINT NOT NULL,
	state       TEXT   NOT NULL CHECK (state IN ('open', 'applied', 'not applied')),
	generation  BIGINT NOT NULL CHECK (generation > 0),
	begun_at    TEXT   NOT NULL,
	trace_ids   TEXT   NOT NULL
)`,
		`CREATE INDEX IF NOT EXISTS ` + index + `_open ON ` + c.Table + ` (id) WHERE state = 'open'`,
	}
}

// cutSchema splits a table's name at the dot.
func cutSchema(table string) (schema, name string) {
	if schema, name, ok := strings.Cut(table, "."); ok {
		return schema, name
	}
	return "", table
}
