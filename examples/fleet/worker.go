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

// A worker is one process: it pays with the keys that it has leased, and finishes what the
// former holder of a key has left open.
type worker struct {
	task       task
	d          *database
	leases     *keylease.Leases
	retrier    *retry.Retrier
	clients    map[string]*nexpay.Client // by key
	introduced sync.Map                  // keys whose client was answered
}

// work is the whole of a worker's life.
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

// introduce makes a first call with a key that changes nothing. Without one that succeeded
// nothing shows that the base URL is the API's, and no "not found" from there counts.
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

// sweep finishes, now and then, what is open under the keys of this process and nobody is
// at: what another process gave up on, as the key it was sent with is ours by now.
func (w *worker) sweep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(w.task.TTL):
			for _, key := range w.leases.Stats().Keys { // that which failed when the key came
				w.introduce(ctx, key.Lane.Key)
			}
			w.recover(ctx, func(retry.Entry) bool { return true })
		}
	}
}

// payAll takes invoices, several at a time, until there are no more.
func (w *worker) payAll(ctx context.Context) error {
	const atOnce = 6
	errs := make(chan error, atOnce)
	for range atOnce {
		go func() { errs <- w.payOn(ctx) }()
	}
	var all error
	for range atOnce {
		all = errors.Join(all, <-errs)
	}
	return all
}

func (w *worker) payOn(ctx context.Context) error {
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
		w.tell(ctx, id, err)
	}
}

// recover finishes what is open under the keys that this process holds.
func (w *worker) recover(ctx context.Context, which func(retry.Entry) bool) {
	_ = retry.RecoverEach(ctx, w.retrier, w.d.journal, func(e retry.Entry) (retry.Operation[nexpay.PaymentStatus], bool) {
		return w.operation(e.ID), which(e)
	}, func(one retry.Recovered[nexpay.PaymentStatus]) {
		w.tell(ctx, one.ID, one.Err)
	}, retry.Named("recovered"), retry.OfHeldKeys())
}

// paid reports whether it happened: who comes second, when another process has recorded
// that, has no value.
func paid(err error) bool { return err == nil || errors.Is(err, retry.ErrApplied) }

// tell tells the queue what became of an invoice. What did not happen is for later, and so is
// what no send is known of: the journal failed, and may hold nothing that anybody could
// recover. What may have happened otherwise is not for the queue to hand out: who holds the
// key that it was sent with finishes it.
func (w *worker) tell(ctx context.Context, id string, err error) {
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

// unsent reports whether it is in doubt and no send of it is known.
func unsent(err error) bool {
	failed, ok := errors.AsType[*retry.Error](err)
	return ok && failed.Doubt != nil && failed.Doubt.Conclusive.IsZero()
}

// operation pays with whichever key the attempt has its turn on.
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

// payment is what an invoice asks for, signed with a key.
func payment(c *nexpay.Client, id string) (nexpay.Payment, error) {
	order, err := c.Signer.SignOrder(nexpay.Order{
		ExternalPaymentID: id, Amount: "12.50", BeneficiaryName: "A. Supplier", BeneficiaryAccount: "LT601010012345678901",
		BeneficiaryReference: id, RequestTime: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
	})
	return nexpay.Payment{Client: c, ExternalID: id, Order: order}, err
}

// ask asks the queue.
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
