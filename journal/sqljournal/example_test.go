package sqljournal_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/nexpay-go/resilience/journal/sqljournal"
	"github.com/nexpay-go/resilience/retry"
)

// DoOnce does what is shown here by itself, with the journal in retry.Config.
func ExampleNew() {
	folder, err := os.MkdirTemp("", "journal")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	// With a WAL, SQLite's own settings make it wait for the disk.
	path := filepath.Join(folder, "shop.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	journal, err := sqljournal.New(db, sqljournal.Config{Dialect: sqljournal.SQLite})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	fmt.Println("migrated:", journal.Migrate(ctx))

	payment := retry.Entry{ID: "invoice-1", Owner: "a", State: retry.EntryOpen}
	held, err := journal.Begin(ctx, payment)
	fmt.Println("begun:", held.Owner, held.Generation, err)

	payment.Owner = "b" // another process, at the same time
	held, err = journal.Begin(ctx, payment)
	fmt.Println("too late:", held.Owner, held.Generation, err)
	// Output:
	// migrated: <nil>
	// begun: a 1 <nil>
	// too late: a 1 <nil>
}
