package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/keylease"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/switchboard"
)

// A worker is one process. It pays with the keys that it has leased, and recovers the
// payments that the former holder of a key has left open.
type worker struct {
	task       task
	d          *database
	leases     *keylease.Leases
	retrier    *retry.Retrier
	clients    map[string]*nexpay.Client // by key
	introduced sync.Map                  // keys with which a call has succeeded
}

// work runs a worker and returns its exit code.
func work(ctx context.Context, text string, log io.Writer) int {
	t, err := readTask(text)
	if err == nil {
		err = (&worker{task: t}).run(ctx)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(log, "fleet: %s: %v\n", t.Name, err)
		return 1
	}
	return 0
}

func (w *worker) run(ctx context.Context) (err error) {
	if w.d, err = connect(&w.task); err != nil {
		return err
	}
	defer w.d.close()
	w.clients = map[string]*nexpay.Client{}
	for _, key := range w.task.keyNames() {
		signer, err := nexpay.NewSigner(credentials(key))
		if err != nil {
			return err
		}
		w.clients[key] = &nexpay.Client{BaseURL: w.task.Bank, Signer: signer}
	}
	lockout := new(breaker.Lockout)
	board, err := switchboard.New(ctx, switchboard.Config{Store: w.d.board, Lockout: lockout, Process: w.task.Name})
	if err != nil {
		return err
	}
	defer board.Close()
	ready := make(chan struct{}) // OnTake needs the Retrier, which needs the leases
	w.leases, err = keylease.New(keylease.Config{
		Store: w.d.leases, Keys: w.task.keyNames(), TTL: w.task.TTL, Owner: w.task.Name,
		OnTake: func(ctx context.Context, key string) {
			<-ready
			w.introduce(ctx, key)
			w.recover(ctx, func(e retry.Entry) bool { return e.Key == key })
		},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.leases.Close(context.WithoutCancel(ctx))) }()
	defer sync.OnceFunc(func() {
		if w.retrier == nil {
			close(ready)
		}
	})()
	policies, err := policy.Nexpay().With(policy.Table{AttemptTimeout: attempt})
	if err != nil {
		return err
	}
	if w.retrier, err = retry.New(retry.Config{Policies: policies, Nonces: w.leases, Journal: w.d.journal, Lockout: lockout}); err != nil {
		return err
	}
	close(ready)
	sweeping, stop := context.WithCancel(ctx)
	var swept sync.WaitGroup
	swept.Go(func() { w.sweep(sweeping) })
	err = w.payAll(ctx)
	stop()
	swept.Wait()
	return err
}

// introduce makes a first call with a key, which changes nothing. Until one has succeeded,
// nothing proves that the base URL is the API's, and a "not found" from there does not
// count.
func (w *worker) introduce(ctx context.Context, key string) {
	if _, done := w.introduced.Load(key); done {
		return
	}
	for range 10 {
		ticket, err := w.leases.EnterKey(ctx, key)
		if err != nil {
			return
		}
		_, err = w.clients[key].AccountStatus(nonce.NewContext(ctx, ticket))
		ticket.Leave()
		if err == nil {
			w.introduced.Store(key, true)
			return
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// sweep recovers, once per TTL, the open payments under the keys of this process that no
// process is working on: another one gave them up because it lost the key.
func (w *worker) sweep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(w.task.TTL):
			for _, key := range w.leases.Stats().Keys { // again, if it failed when the key was taken
				w.introduce(ctx, key.Lane.Key)
			}
			w.recover(ctx, func(retry.Entry) bool { return true })
		}
	}
}

// payAll pays invoices, several at the same time, until there are no more.
func (w *worker) payAll(ctx context.Context) error {
	const atOnce = 6
	errs := make(chan error, atOnce)
	for range atOnce {
		go func() { errs <- w.payLoop(ctx) }()
	}
	var all error
	for range atOnce {
		all = errors.Join(all, <-errs)
	}
	return all
}

func (w *worker) payLoop(ctx context.Context) error {
	for {
		status, id, err := w.ask(ctx, "/take", "")
		switch {
		case err != nil:
			return err
		case status == http.StatusGone:
			return nil
		case status == http.StatusNoContent:
			time.Sleep(50 * time.Millisecond)
			continue
		}
		_, err = retry.DoOnce(ctx, w.retrier, w.operation(id), retry.Named("payout"))
		w.report(ctx, id, err)
	}
}

// recover recovers the open payments under the keys that this process holds.
func (w *worker) recover(ctx context.Context, which func(retry.Entry) bool) {
	_ = retry.RecoverEach(ctx, w.retrier, w.d.journal, func(e retry.Entry) (retry.Operation[nexpay.PaymentStatus], bool) {
		return w.operation(e.ID), which(e)
	}, func(one retry.Recovered[nexpay.PaymentStatus]) {
		w.report(ctx, one.ID, one.Err)
	}, retry.Named("recovered"), retry.OfHeldKeys())
}

// paid reports whether the payment happened. If another process has recorded that first,
// the error is ErrApplied.
func paid(err error) bool { return err == nil || errors.Is(err, retry.ErrApplied) }

// report reports the result of an invoice to the queue. An invoice that was not paid is for
// later. So is one in doubt of which no send is known: the journal failed, and may have no
// entry to recover. Any other invoice in doubt must not be handed out again: the holder of
// the key that it was sent with recovers it.
func (w *worker) report(ctx context.Context, id string, err error) {
	path := "/paid"
	switch {
	case (errors.Is(err, retry.ErrOutcomeUnknown) || errors.Is(err, retry.ErrBusy)) && !unsent(err):
		return
	case !paid(err):
		path = "/later"
		time.Sleep(100 * time.Millisecond)
	}
	_, _, _ = w.ask(context.WithoutCancel(ctx), path, id)
}

// unsent reports whether a payment is in doubt and no send of it is known.
func unsent(err error) bool {
	failed, ok := errors.AsType[*retry.Error](err)
	return ok && failed.Doubt != nil && failed.Doubt.Conclusive.IsZero()
}

// operation returns the payment of an invoice, with the key in each attempt's ticket.
func (w *worker) operation(id string) retry.Operation[nexpay.PaymentStatus] {
	with := func(ctx context.Context) (nexpay.Payment, error) {
		ticket, ok := nonce.FromContext(ctx)
		if !ok {
			return nexpay.Payment{}, errors.New("no key in the context")
		}
		return payment(w.clients[ticket.Key()], id)
	}
	return retry.Operation[nexpay.PaymentStatus]{
		ID: id, Settle: settle, GiveUp: giveUp,
		Send: func(ctx context.Context) (nexpay.PaymentStatus, error) {
			p, err := with(ctx)
			if err != nil {
				return nexpay.PaymentStatus{}, err
			}
			return p.Send(ctx)
		},
		Verify: func(ctx context.Context) (nexpay.PaymentStatus, retry.Outcome, error) {
			p, err := with(ctx)
			if err != nil {
				return nexpay.PaymentStatus{}, retry.Undecided, err
			}
			return p.Verify(ctx)
		},
	}
}

// payment returns the payment of an invoice, signed with a key.
func payment(c *nexpay.Client, id string) (nexpay.Payment, error) {
	order, err := c.Signer.SignOrder(nexpay.Order{
		ExternalPaymentID: id, Amount: "12.50", BeneficiaryName: "A. Supplier", BeneficiaryAccount: "LT601010012345678901",
		BeneficiaryReference: id, RequestTime: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
	})
	return nexpay.Payment{Client: c, ExternalID: id, Order: order}, err
}

// ask sends a request to the queue.
func (w *worker) ask(ctx context.Context, path, id string) (status int, answer string, err error) {
	at := w.task.Queue + path + "?" + url.Values{"worker": {w.task.Name}, "id": {id}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}
