#!/bin/bash
# River runs a job with MaxAttempts 1 twice if the program is stopped during the first run: it takes the attempt back,
# and JobCancel does not prevent it.
#
# Run on 2026-11-28 with github.com/riverqueue/river v0.51.2, v0.43.0 beside it, go1.26 and PostgreSQL 15 on a Unix
# socket. The job is one POST with an http.Client and the job's context. The bank takes the payment, and answers
# nothing. Meanwhile one thing happens to the job; then another client starts. With v0.51.2:
#
#   the connection ends    1 payments, attempts [1], errors kept 1, ErrorHandler called 1, discarded
#   the job's Timeout      1 payments, attempts [1], errors kept 1, ErrorHandler called 1, discarded
#   JobCancel by its id    1 payments, attempts [1], errors kept 1, ErrorHandler called 0, cancelled
#   a stop                 2 payments, attempts [1 1], errors kept 0, ErrorHandler called 0, completed
#   a stop, JobCancel(err) 2 payments, attempts [1 1], errors kept 0, ErrorHandler called 0, completed
#   a stop, only its text  1 payments, attempts [1], errors kept 1, ErrorHandler called 1, discarded
#
# With v0.43.0 each of them makes one payment. Since v0.44.0 a job whose Work returns an error with context.Canceled in
# it, while the client stops, is as if it had not run: available at once, the attempt not counted, no error kept, no
# handler called. The event job_interrupted is documented as such; but MaxAttempts is documented as the total of runs,
# and river.JobCancel(err) as the end of a job. The second run sees job.Attempt 1 and no errors, so a worker that
# looks a payment up when it is not the first attempt pays again.
#
# For who pays in a job: neither MaxAttempts 1 nor job.Attempt keeps a second payment out, and a deployment is when it
# happens. Keep the payment in a journal, and context.Canceled out of the errors of requests that may have taken
# effect. riverretry does both: docs/durable.md.
#
# Usage: findings/river-stop-runs-a-single-attempt-twice.sh
#
# Needs Go, a module proxy, and PostgreSQL (apt-get install postgresql). Takes half a minute. Exit status: 0 if it is as
# above, 1 if not, 2 if it could not be run.
set -eu -o pipefail
export GOFLAGS=-mod=mod GOWORK=off

initdb=$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -1) || true
[ -n "$initdb" ] || { echo "PostgreSQL is not installed"; exit 2; }
PATH=$(dirname "$(readlink -f "$initdb")"):$PATH
folder=$(mktemp -d)
data=$folder/data
as=() # PostgreSQL does not run as root
[ "$(id -u)" != 0 ] || { as=(setpriv --reuid=nobody --regid=nogroup --clear-groups) && chown nobody "$folder"; }
stop() {
	[ ! -e "$data/postmaster.pid" ] || "${as[@]}" pg_ctl stop -s -m immediate -D "$data" || true
	rm -rf "$folder"
}
trap stop EXIT
trap 'exit 2' INT TERM HUP
cd "$folder"
mkdir program
cd program
cat >main.go <<'END'
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

type payment struct{}

func (payment) Kind() string { return "payment" }

// A worker pays with an http.Client, as its job's context allows.
type worker struct {
	river.WorkerDefaults[payment]
	url     string
	returns func(error) error // what is returned for a payment without an answer

	mu       sync.Mutex
	attempts []int
}

func (w *worker) Timeout(*river.Job[payment]) time.Duration { return 3 * time.Second }

func (w *worker) Work(ctx context.Context, job *river.Job[payment]) error {
	w.mu.Lock()
	w.attempts = append(w.attempts, job.Attempt)
	w.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, strings.NewReader("100"))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return w.returns(err)
	}
	return resp.Body.Close()
}

// A handler counts the errors that River reports to the program.
type handler struct{ calls int }

func (h *handler) HandleError(context.Context, *rivertype.JobRow, error) *river.ErrorHandlerResult {
	h.calls++
	return nil
}

func (h *handler) HandlePanic(context.Context, *rivertype.JobRow, any, string) *river.ErrorHandlerResult {
	return nil
}

func must[T any](v T, err error) T {
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	return v
}

// scene runs one job with a single attempt. The bank takes its first payment, and does not answer; meanwhile
// something happens to the job. Then the program is started once more.
func scene(pool *pgxpool.Pool, name string, returns func(error) error, happens func(context.Context, *river.Client[pgx.Tx], int64) error) {
	ctx, giveUp := context.WithTimeout(context.Background(), time.Minute)
	defer giveUp()
	taken, held, payments := make(chan bool, 9), make(chan bool), 0
	bank := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		payments++
		taken <- true
		if payments == 1 {
			<-held
			panic(http.ErrAbortHandler)
		}
	}))
	w, h := &worker{url: bank.URL, returns: returns}, &handler{}
	start := func() *river.Client[pgx.Tx] {
		workers := river.NewWorkers()
		river.AddWorker(workers, w)
		client := must(river.NewClient(riverpgxv5.New(pool), &river.Config{
			Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 1}}, Workers: workers,
			ErrorHandler: h, Logger: slog.New(slog.DiscardHandler),
		}))
		must(0, client.Start(ctx))
		return client
	}
	first := start()
	made := must(first.Insert(ctx, payment{}, &river.InsertOpts{MaxAttempts: 1}))
	<-taken
	if happens == nil {
		close(held)
	} else {
		must(0, happens(ctx, first, made.Job.ID))
	}
	second := start()
	var job *rivertype.JobRow
	for {
		job = must(first.JobGet(ctx, made.Job.ID))
		if job.FinalizedAt != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	must(0, errors.Join(first.StopAndCancel(ctx), second.StopAndCancel(ctx)))
	if happens != nil {
		close(held)
	}
	bank.Close()
	fmt.Printf("%-22s %d payments, attempts %v, errors kept %d, ErrorHandler called %d, %s\n",
		name, payments, w.attempts, len(job.Errors), h.calls, job.State)
}

func main() {
	ctx := context.Background()
	pool := must(pgxpool.New(ctx, "host="+os.Args[1]+" user=test dbname=postgres sslmode=disable"))
	must(must(rivermigrate.New(riverpgxv5.New(pool), nil)).Migrate(ctx, rivermigrate.DirectionUp, nil))
	asItIs := func(err error) error { return fmt.Errorf("paying: %w", err) }
	stop := func(ctx context.Context, c *river.Client[pgx.Tx], _ int64) error { return c.StopAndCancel(ctx) }
	scene(pool, "the connection ends", asItIs, nil)
	scene(pool, "the job's Timeout", asItIs, func(context.Context, *river.Client[pgx.Tx], int64) error { return nil })
	scene(pool, "JobCancel by its id", asItIs, func(ctx context.Context, c *river.Client[pgx.Tx], id int64) error {
		_, err := c.JobCancel(ctx, id)
		return err
	})
	scene(pool, "a stop", asItIs, stop)
	scene(pool, "a stop, JobCancel(err)", river.JobCancel, stop)
	scene(pool, "a stop, only its text", func(err error) error { return errors.New(err.Error()) }, stop)
}
END
for version in v0.43.0 v0.51.2; do
	rm -f go.mod go.sum
	cat >go.mod <<END
module finding

go 1.26

require (
	github.com/jackc/pgx/v5 v5.12.0
	github.com/riverqueue/river $version
	github.com/riverqueue/river/riverdriver/riverpgxv5 $version
)
END
	{ go mod tidy && go build -o "$folder/$version" .; } >log 2>&1 || { cat log; exit 2; }
done
cd "$folder"
chmod 755 v0.*

"${as[@]}" initdb -D "$data" -U test -A trust -E UTF8 --locale=C --no-sync >/dev/null || exit 2
"${as[@]}" pg_ctl start -s -w -l "$data.log" -D "$data" -o "-k $data -c listen_addresses= -c fsync=off" >/dev/null || { cat "$data.log"; exit 2; }
for version in v0.43.0 v0.51.2; do
	"${as[@]}" psql -q -h "$data" -U test postgres -c 'DROP SCHEMA public CASCADE' -c 'CREATE SCHEMA public' 2>/dev/null || exit 2
	timeout 120 "./$version" "$data" | sed "s/^/$version  /" | tee -a seen || exit 2
done

once() { sed -n "s/^$1  //p" seen | grep -c ' 1 payments, attempts \[1\], errors kept 1, .* \(discarded\|cancelled\)$'; }
twice() { sed -n "s/^$1  //p" seen | grep -c '^a stop\(, JobCancel(err)\)\? * 2 payments, attempts \[1 1\], errors kept 0, ErrorHandler called 0, completed$'; }
[ "$(once v0.43.0)" = 6 ] && [ "$(once v0.51.2)" = 4 ] && [ "$(twice v0.51.2)" = 2 ] || { echo "not as it was seen"; exit 1; }
