package sqljournal

import (
	"context"
	"database/sql"
	"strings"
)

// Schema returns the statements that create the table and its index if they do not
// exist, for a file of migrations. A table of an earlier version also needs the
// statements of [Journal.Upgrade].
func (j *Journal) Schema() string { return script(j.schema) }

// Upgrade returns the statements that add the missing columns to a table of an
// earlier version, for a file of migrations. Existing rows get the zero value, and
// processes of the earlier version can go on using the table. In SQLite the
// statements can be executed only once.
func (j *Journal) Upgrade() string {
	var statements []string
	for _, c := range added {
		statements = append(statements, j.adding(c))
	}
	return script(statements)
}

func script(statements []string) string { return strings.Join(statements, ";\n\n") + ";\n" }

// Migrate creates the table and its index, or adds the missing columns to a table of
// an earlier version. Several processes may call it at the same time. It also does
// what [Journal.Check] does; with Config.MustKeep, a server that is not durable is
// refused before anything is created.
func (j *Journal) Migrate(ctx context.Context) error {
	return j.described("migrate", j.migrate(ctx))
}

func (j *Journal) migrate(ctx context.Context) error {
	if err := j.accept(j.durable(ctx)); err != nil {
		return err
	}
	for _, statement := range j.schema {
		if err := j.exec(ctx, statement); err != nil {
			return err
		}
	}
	for _, c := range added {
		if err := j.add(ctx, c); err != nil {
			return err
		}
	}
	return j.accept(j.check(ctx))
}

func (j *Journal) exec(ctx context.Context, text string) error {
	_, err := persistSlowly(ctx, j, func(ctx context.Context, conn *sql.Conn) (sql.Result, error) {
		return conn.ExecContext(ctx, text)
	})
	return err
}

// add checks first whether the column exists: to alter a table, PostgreSQL waits for
// all its users.
func (j *Journal) add(ctx context.Context, c column) error {
	if has, err := j.has(ctx, c); has || err != nil {
		return err
	}
	err := j.exec(ctx, j.adding(c))
	if err == nil {
		return nil
	}
	if has, _ := j.has(ctx, c); has {
		return nil // another process has added it
	}
	return err
}

func (j *Journal) has(ctx context.Context, c column) (has bool, err error) {
	query := `SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = CAST(CAST($1 AS text) AS regclass) AND attname = $2 AND NOT attisdropped)`
	if j.dialect == SQLite {
		query = `SELECT EXISTS (SELECT 1 FROM pragma_table_info($1) WHERE name = $2)`
	}
	return persist(ctx, j, func(ctx context.Context, conn *sql.Conn) (has bool, err error) {
		err = conn.QueryRowContext(ctx, query, j.table, c.name).Scan(&has)
		return has, err
	})
}

func (j *Journal) adding(c column) string {
	unless := "IF NOT EXISTS "
	if j.dialect == SQLite {
		unless = "" // not supported
	}
	return "ALTER TABLE " + j.table + " ADD COLUMN " + unless + c.name + " " + c.kind
}

// A column was added after the first version of the table.
type column struct{ name, kind string }

// added have defaults for existing rows, and for processes of the earlier version,
// which do not set them.
var added = []column{
	{"first_at", "TEXT NOT NULL DEFAULT ''"},
	{"takes_ns", "BIGINT NOT NULL DEFAULT 0"},
	endedAt,
}

// endedAt is when an operation ended, for Prune. It is empty while the operation is
// open, and if a process of an earlier version ended it. Only Prune needs the column.
var endedAt = column{"ended_at", "TEXT NOT NULL DEFAULT ''"}

// schemaOf compares IDs byte by byte, because two IDs are two payments. In PostgreSQL
// that also keeps the index valid when the system's collations change. Columns are
// text where people may want to read them. Times sort as text, and can be converted
// to timestamptz.
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
	trace_ids   TEXT   NOT NULL,
	first_at    ` + added[0].kind + `,
	takes_ns    ` + added[1].kind + `,
	ended_at    ` + endedAt.kind + `
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
