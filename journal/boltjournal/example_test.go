package boltjournal_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nexpay-go/resilience/journal/boltjournal"
	"github.com/nexpay-go/resilience/retry"
)

// DoOnce does what is shown here by itself: the journal is given to it in
// retry.Config, and closed after the last payment.
func ExampleOpen() {
	folder, err := os.MkdirTemp("", "journal")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	config := boltjournal.Config{Path: filepath.Join(folder, "payments.journal")}
	ctx := context.Background()

	journal, err := boltjournal.Open(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = journal.Begin(ctx, retry.Entry{ID: "invoice-1", Owner: "a", State: retry.EntryOpen})
	fmt.Println("begun:", err)
	fmt.Println("closed:", journal.Close())

	journal, err = boltjournal.Open(config) // the next start
	if err != nil {
		fmt.Println(err)
		return
	}
	defer journal.Close()
	for e, err := range journal.Pending(ctx) {
		fmt.Println("may have been sent:", e.ID, err)
	}
	// Output:
	// begun: <nil>
	// closed: <nil>
	// may have been sent: invoice-1 <nil>
}
