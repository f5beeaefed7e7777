package sqljournal_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/nexpay-go/resilience/journal/sqljournal"
)

// Neither database waits for a disk here: what is measured is the journal.
func BenchmarkBegin(b *testing.B) {
	for dialect, connect := range map[sqljournal.Dialect]func(testing.TB) *sql.DB{
		sqljournal.PostgreSQL: func(t testing.TB) *sql.DB { return openPostgres(t) },
		sqljournal.SQLite:     newSQLite,
	} {
		b.Run(dialect.String(), func(b *testing.B) {
			j := migrated(b, connect(b), sqljournal.Config{Table: newTable(), Dialect: dialect})
			for n := 0; b.Loop(); n++ {
				if _, err := j.Begin(b.Context(), sample(fmt.Sprint("p-", n))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
