package sqljournal_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/nexpay-go/resilience/journal/sqljournal"
	"github.com/nexpay-go/resilience/retry"
)

// Neither database waits for a disk here: what is measured is the journal, among ten
// entries and among ten thousand. Each Begin takes the place of an entry that is there.
func BenchmarkBegin(b *testing.B) {
	for dialect, connect := range map[sqljournal.Dialect]func(testing.TB) *sql.DB{
		sqljournal.PostgreSQL: func(t testing.TB) *sql.DB { return openPostgres(t) },
		sqljournal.SQLite:     newSQLite,
	} {
		for _, held := range []int{10, 10_000} {
			b.Run(fmt.Sprintf("%v/%d", dialect, held), func(b *testing.B) {
				j := migrated(b, connect(b), sqljournal.Config{Table: newTable(), Dialect: dialect})
				entries := make([]retry.Entry, held)
				next := func(n int) {
					e, err := j.Begin(b.Context(), entries[n])
					if err != nil || e.Generation != entries[n].Generation+1 {
						b.Fatal(e, err)
					}
					entries[n] = e
				}
				for n, place := range rand.Perm(held) {
					entries[n] = sample(fmt.Sprint("p-", place))
					next(n)
				}
				for n := 0; b.Loop(); n++ {
					next(n % held)
				}
			})
		}
	}
}
