package sqljournal_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/sqljournal"
)

var (
	chaos = flag.Int("chaos", 80, "how many payments have their connection cut, once each, with each driver")
	away  = flag.Duration("away", 0, "how long the database is away while 80 payments are made; 0: it is not")
)

const payers = 8

// dispatch makes payments, payers at a time.
func dispatch(n int, pay func(payer, i int)) {
	var done sync.WaitGroup
	for payer := range payers {
		done.Go(func() {
			for i := payer; i < n; i += payers {
				pay(payer, i)
			}
		})
	}
	done.Wait()
}

// told wants all to be paid, and the journal to know of it.
func (c *tally) told(t *testing.T, config sqljournal.Config, n int) {
	t.Helper()
	twice := 0
	for _, times := range c.applied {
		if times > 1 {
			twice++
		}
	}
	var applied, rows int
	require.NoError(t, openPostgres(t).QueryRow(
		"SELECT count(*) FILTER (WHERE state = 'applied'), count(*) FROM "+config.Table).Scan(&applied, &rows))
	t.Logf("%d payments: %d paid, %d twice, %d unknown (%d with nothing sent), %d others; the journal holds %d applied of %d",
		n, c.paid, twice, c.unknown, c.never, c.other, applied, rows)
	require.Equal(t, [4]int{n, n, n, 0}, [4]int{c.paid, applied, rows, twice})
}

// The connection of each payment is cut once, at a random point of a random statement.
func TestPaymentsCutAtRandom(t *testing.T) {
	t.Parallel()
	for driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			c, paid := sqljournal.Config{Table: newTable()}, &tally{bank: newBank()}
			migrated(t, openPostgres(t), c)
			var payer [payers]func(id string, c *cut)
			for i := range payer {
				p := newProxy(t)
				r := newRetrier(t, handle(t, p.open(t, driver), c))
				require.NoError(t, paid.pay(t, t.Context(), r, fmt.Sprint("first ", i))) // it has connected, and checked
				payer[i] = func(id string, c *cut) {
					p.armed.Store(c)
					_ = paid.pay(t, t.Context(), r, id)
					if p.armed.Swap(nil) != nil {
						t.Error("it was not cut")
					}
				}
			}
			at := points
			if driver == "pgx" && *chaos > 80 { // takes 2 s each; with lib/pq each keeps a connection of the server for good
				at = append(points[:len(points):len(points)], silent)
			}
			dispatch(*chaos, func(i, n int) {
				payer[i](fmt.Sprint("p-", n), &cut{c.Table, rand.IntN(3), at[rand.IntN(len(at))]}) // reads, begins, ends
			})
			paid.told(t, c, *chaos+payers)
		})
	}
}

// The database goes away in the middle, and nobody can connect for a while.
func TestPaymentsWhileTheDatabaseIsAway(t *testing.T) {
	if *away == 0 {
		t.Skip("takes as long as -away says")
	}
	for driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			c, paid, p := sqljournal.Config{Table: newTable()}, &tally{bank: newBank()}, newProxy(t)
			r := newRetrier(t, migrated(t, p.open(t, driver), c))
			dispatch(80, func(_, n int) {
				if n == 40 {
					p.refuse.Store(1 << 40)
					p.closeAll()
					time.AfterFunc(*away, func() { p.refuse.Store(0) })
				}
				_ = paid.pay(t, t.Context(), r, fmt.Sprint("p-", n))
			})
			paid.told(t, c, 80)
		})
	}
}
