#!/bin/bash
# DBOS throws the result of a step away that succeeds during Shutdown: the next start pays again.
#
# Run on 2026-11-28 with github.com/dbos-inc/dbos-transact-golang v1.8.0, its SQLite and go1.26. A workflow of one step
# pays, and the bank answers after one second. The step waits for that answer whatever its context does
# (context.WithoutCancel), and returns the receipt without an error. Meanwhile one thing happens to the workflow:
#
#   nothing happens:                    receipts before 1, payments 1, the workflow ends with "receipt 1"
#   Shutdown with 30 s, a new start:    receipts before 1, payments 2, the workflow ends with "receipt 2"
#   CancelWorkflow, ResumeWorkflow:     receipts before 1, payments 2, the workflow ends with "receipt 2"
#   a timeout of 0.5 s, ResumeWorkflow: receipts before 1, payments 2, the workflow is cancelled again
#
# Shutdown returns after one second, without an error: it did wait for the step. But it cancels all workflows first, and
# of a cancelled workflow no step is recorded, also not one that succeeded. So the time given to Shutdown saves no
# payment, and a deployment during a payment makes it twice. It is documented that steps run at least once, that one
# which a cancellation interrupts is run again by a resume, and that a shutdown leaves its workflows to the next start;
# not that this goes for a step which has succeeded in the time it was given. With a timeout shorter than the step, each
# ResumeWorkflow makes another payment.
#
# For who pays in a step: let the workflows end before Shutdown, and keep the payment in a journal, so that the second
# run finds out what became of the first. The recipe in docs/durable.md does the latter.
#
# Usage: findings/dbos-shutdown-forgets-a-payment.sh
#
# Needs Go and a module proxy. Takes a minute or two. Exit status: 0 if it is as above, 1 if not, 2 if it could not be run.
set -eu -o pipefail
export GOFLAGS=-mod=mod GOWORK=off

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'END'
module finding

go 1.26

require github.com/dbos-inc/dbos-transact-golang v1.8.0
END
cat >main.go <<'END'
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite"
)

func must[T any](v T, err error) T {
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	return v
}

// A program is one start of a program that makes one payment in a workflow of one step.
type program struct {
	ctx         dbos.Context
	folder, url string
}

// start starts it. DBOS then goes on with the workflows that have not ended.
func start(folder, url string) *program {
	p := &program{folder: folder, url: url}
	p.ctx = must(dbos.NewContext(context.Background(), dbos.Config{
		DatabaseURL: "sqlite:" + filepath.Join(folder, "dbos.db"), AppName: "payments", Logger: slog.New(slog.DiscardHandler),
	}))
	dbos.RegisterWorkflow(p.ctx, p.workflow, dbos.WithWorkflowName("payment"))
	must(0, dbos.Launch(p.ctx))
	return p
}

func (p *program) workflow(ctx dbos.Context, id string) (string, error) {
	return dbos.RunAsStep(ctx, func(ctx context.Context) (string, error) { return p.pay(ctx, id) })
}

// pay waits for the answer even if the step is cancelled, because it is a payment.
func (p *program) pay(ctx context.Context, id string) (string, error) {
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, p.url, strings.NewReader(id))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	receipt, err := io.ReadAll(resp.Body)
	if err == nil {
		receipts++
	}
	return string(receipt), err
}

var receipts int // that steps returned without an error

// scene pays once. While the bank works at it, which takes a second, something happens to the workflow.
func scene(name string, timeout time.Duration, happens func(*program), again func(*program) *program) {
	taken, payments := make(chan bool, 9), 0
	bank := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		payments++
		receipt := fmt.Sprint("receipt ", payments)
		taken <- true
		time.Sleep(time.Second)
		_, _ = io.WriteString(w, receipt)
	}))
	defer bank.Close()
	receipts = 0
	p := start(must(os.MkdirTemp(".", "scene")), bank.URL)
	ctx, cancel := p.ctx, func() {}
	if timeout != 0 {
		ctx, cancel = dbos.WithTimeout(ctx, timeout)
	}
	defer cancel()
	run := must(dbos.RunWorkflow(ctx, p.workflow, "inv-7", dbos.WithWorkflowID("inv-7")))
	<-taken
	happens(p)
	_, _ = run.GetResult()
	before := receipts
	p = again(p)
	receipt, err := must(dbos.RetrieveWorkflow[string](p.ctx, "inv-7")).GetResult()
	fmt.Printf("%s: receipts before %d, payments %d, the workflow ends with %q, %v\n", name, before, payments, receipt, err)
	_ = dbos.Shutdown(p.ctx, 10*time.Second)
}

func main() {
	nothing := func(*program) {}
	on := func(p *program) *program { return p }
	resume := func(p *program) *program {
		must(dbos.ResumeWorkflow[string](p.ctx, "inv-7"))
		return p
	}
	scene("nothing happens", 0, nothing, on)
	scene("CancelWorkflow, ResumeWorkflow", 0, func(p *program) { must(0, dbos.CancelWorkflow(p.ctx, "inv-7")) }, resume)
	scene("a timeout of 0.5 s, ResumeWorkflow", 500*time.Millisecond, nothing, resume)
	scene("Shutdown with 30 s, a new start", 0, func(p *program) {
		began := time.Now()
		err := dbos.Shutdown(p.ctx, 30*time.Second)
		fmt.Printf("Shutdown returns %v after %v\n", err, time.Since(began).Round(time.Second))
	}, func(p *program) *program { return start(p.folder, p.url) })
}
END
{ go mod tidy && go build -o finding .; } >log 2>&1 || { cat log; exit 2; }
timeout 120 ./finding | tee seen || exit 2

grep -q '^nothing happens: receipts before 1, payments 1, .*"receipt 1", <nil>$' seen &&
	grep -q '^Shutdown with 30 s, a new start: receipts before 1, payments 2, .*"receipt 2", <nil>$' seen &&
	grep -q '^Shutdown returns <nil> after 1s$' seen &&
	grep -q '^CancelWorkflow, ResumeWorkflow: receipts before 1, payments 2, .*"receipt 2", <nil>$' seen &&
	grep -q '^a timeout of 0.5 s, ResumeWorkflow: receipts before 1, payments 2, .* was cancelled$' seen || {
	echo "not as it was seen"
	exit 1
}
