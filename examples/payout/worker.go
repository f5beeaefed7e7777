package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/journal/boltjournal"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A worker pays invoices. One per process and key.
type worker struct {
	signer  *nexpay.Signer
	client  *nexpay.Client
	retrier *retry.Retrier
	journal *boltjournal.Journal
	options options
}

func newWorker(o options, s site, log io.Writer) (*worker, error) {
	signer, err1 := nexpay.NewSigner(s.credentials)
	lane, err2 := nonce.NewLane(nonce.LaneConfig{Key: "payouts"})
	b, err3 := breaker.New(breaker.Config{Name: "nexpay"})
	policies, err4 := policy.Nexpay().With(policy.Table{AttemptTimeout: o.attempt})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	journal, err := boltjournal.Open(boltjournal.Config{Path: o.journal})
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError}))
	r, err := retry.New(retry.Config{
		Policies: policies, Breaker: b, Nonces: lane, Journal: journal, OnEvent: retry.LogEvents(logger),
	})
	if err != nil {
		return nil, errors.Join(err, journal.Close())
	}
	return &worker{signer, &nexpay.Client{BaseURL: s.url, Signer: signer}, r, journal, o}, nil
}

func (w *worker) close() { _ = w.journal.Close() }

// payAll finishes what an earlier run left open, and pays the rest.
func (w *worker) payAll(ctx context.Context, invoices []invoice, p progress) ([]result, error) {
	defer p.stop()
	// A first call that changes nothing. If it succeeds, it proves that the URL is the
	// API's: without that, a "not found" from there does not count. If it fails, the log
	// says so, and the first payment that succeeds is the proof.
	_, _ = retry.DoValue(ctx, w.retrier, w.client.AccountStatus, retry.Named("account status"))
	// To recover what was left open may take Settle or longer. The other invoices need
	// not wait for it. For pay, an invoice that is being recovered is busy.
	var open map[string]result
	var failed error
	var recovering sync.WaitGroup
	recovering.Go(func() { open, failed = w.recover(ctx, invoices, p) })
	results := make([]result, len(invoices))
	w.each(len(invoices), func(n int) {
		results[n] = w.pay(ctx, invoices[n])
		if !errors.Is(results[n].err, retry.ErrBusy) {
			p.done(results[n])
		}
	})
	recovering.Wait()
	for n, r := range results {
		if recovered, ok := open[r.id]; ok && errors.Is(r.err, retry.ErrBusy) {
			results[n] = recovered
		}
	}
	return results, failed
}

// each calls pay for every invoice, on several goroutines.
func (w *worker) each(invoices int, pay func(n int)) {
	todo := make(chan int)
	var workers sync.WaitGroup
	for range w.options.workers {
		workers.Go(func() {
			for n := range todo {
				pay(n)
			}
		})
	}
	for n := range invoices { // even after the context has ended: every invoice gets a result
		todo <- n
	}
	close(todo)
	workers.Wait()
}

func (w *worker) recover(ctx context.Context, invoices []invoice, p progress) (map[string]result, error) {
	byID := make(map[string]invoice, len(invoices))
	for _, i := range invoices {
		byID[i.id] = i
	}
	results := map[string]result{}
	err := retry.RecoverEach(ctx, w.retrier, w.journal, func(e retry.Entry) (retry.Operation[nexpay.PaymentStatus], bool) {
		id := e.ID
		if i, ok := byID[id]; ok {
			return w.operation(i), true
		}
		// It is not in this file: it is looked up, but not sent again.
		op := w.operation(invoice{id: id})
		op.Fingerprint = ""
		op.Send = func(context.Context) (nexpay.PaymentStatus, error) {
			return nexpay.PaymentStatus{}, fmt.Errorf("invoice %q is not in the file", id)
		}
		return op, true
	}, func(o retry.Recovered[nexpay.PaymentStatus]) {
		r := result{o.ID, o.Value, o.Err}
		results[o.ID] = r
		if !errors.Is(o.Err, retry.ErrBusy) { // else pay has it
			p.done(r)
		}
	}, retry.Named("payout"))
	return results, err
}

func (w *worker) pay(ctx context.Context, i invoice) result {
	status, err := retry.DoOnce(ctx, w.retrier, w.operation(i), retry.Named("payout"))
	return result{i.id, status, err}
}

func (w *worker) operation(i invoice) retry.Operation[nexpay.PaymentStatus] {
	order, err := w.signer.SignOrder(i.order)
	p := nexpay.Payment{Client: w.client, ExternalID: i.id, Order: order}
	op := retry.Operation[nexpay.PaymentStatus]{
		ID: i.id, Fingerprint: p.Fingerprint(), Send: p.Send, Verify: p.Verify, Settle: w.options.settle,
	}
	if err != nil { // nothing can be sent
		op.Send = func(context.Context) (nexpay.PaymentStatus, error) { return nexpay.PaymentStatus{}, err }
	}
	return op
}
