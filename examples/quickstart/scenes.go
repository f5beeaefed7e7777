package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

func (s *stage) stumbles(ctx context.Context) error {
	before := len(s.bank.Requests())
	internal := nexpaytest.Fault{Code: "-32603"}
	s.bank.Script(internal, internal)
	return s.expect(s.status(ctx), nil, before, 3)
}

func (s *stage) nonceTooLow(ctx context.Context) error {
	before := len(s.bank.Requests())
	raced := false
	err := retry.Do(ctx, s.retrier, func(ctx context.Context) error {
		if ticket, ok := nonce.FromContext(ctx); ok && !raced {
			raced = true
			s.bank.SetLastNonce(s.key, ticket.Nonce()) // another program was faster
		}
		_, err := s.client.AccountStatus(ctx)
		return err
	})
	return s.expect(err, nil, before, 2)
}

func (s *stage) fixable(ctx context.Context) error {
	const id = "order-17"
	if err := s.create(ctx, id); err != nil {
		return err
	}
	before := len(s.bank.Requests())
	when := time.Now().Add(-time.Hour) // in the past, so refused
	err := retry.Do(ctx, s.retrier, func(ctx context.Context) error {
		return s.post(ctx, "/api/2/eurowallet/payments/reschedule", nexpay.Form{
			{Name: "externalPaymentId", Value: id},
			{Name: "executionTime", Value: when.Format(time.RFC3339)},
		})
	}, retry.Fix(func(_ context.Context, e *classify.Error) (changed bool, err error) {
		when = time.Now().Add(24 * time.Hour)
		return true, nil
	}))
	return s.expect(err, nil, before, 2)
}

func (s *stage) unfixable(ctx context.Context) error {
	before := len(s.bank.Requests())
	err := retry.Do(ctx, s.retrier, func(ctx context.Context) error {
		return s.post(ctx, "/api/2/eurowallet/payments/cancel-scheduled", nexpay.Form{
			{Name: "externalPaymentId", Value: "order-17"},
			{Name: "clientPaymentId", Value: "18"}, // two IDs for one payment
		})
	}, retry.Fix(func(context.Context, *classify.Error) (changed bool, err error) {
		return false, nil
	}))
	return s.expect(err, retry.ErrFixAndResend, before, 1)
}

func (s *stage) outage(ctx context.Context) error {
	before := len(s.bank.Requests())
	end := s.bank.AddRule(nexpaytest.Rule{Fault: nexpaytest.Fault{HTML: true}})
	if err := s.expect(s.status(ctx), retry.ErrOpen, before, 3); err != nil {
		return err
	}
	// Other calls are refused at once.
	for range 3 {
		if err := s.expect(s.status(ctx), retry.ErrOpen, before, 3); err != nil {
			return err
		}
	}
	end() // the API works again, but the breaker is still open
	if err := s.waitFor(ctx, breaker.HalfOpen); err != nil {
		return err
	}
	if err := s.expect(s.status(ctx), nil, before, 4); err != nil {
		return err
	}
	s.ok()
	if got := s.breaker.State(); got != breaker.Closed {
		return fmt.Errorf("the breaker is %v after the probe", got)
	}
	return nil
}

func (s *stage) locked(ctx context.Context) error {
	before := len(s.bank.Requests())
	s.bank.SetState(s.key, nexpaytest.Locked)
	if err := s.expect(s.status(ctx), retry.ErrFatal, before, 1); err != nil {
		return err
	}
	for range 3 {
		if err := s.expect(s.status(ctx), retry.ErrLockedOut, before, 1); err != nil {
			return err
		}
	}
	s.bank.SetState(s.key, nexpaytest.Enabled) // a person has talked to the bank
	s.retrier.Lockout().Unlock("main")
	s.line.line(0, "", "", `a person has acted: Lockout().Unlock("main")`)
	if err := s.expect(s.status(ctx), nil, before, 2); err != nil {
		return err
	}
	s.ok()
	return nil
}

// create makes a payment. It is sent once, without retry.Do: that may repeat what it sends.
func (s *stage) create(ctx context.Context, id string) error {
	ticket, err := s.lane.Enter(ctx)
	if err != nil {
		return err
	}
	defer ticket.Leave()
	order, err := s.client.Signer.SignOrder(nexpay.Order{
		RequestTime: time.Now(), Amount: "17.00", ExternalPaymentID: id,
		BeneficiaryName: "Baltic Paper", BeneficiaryAccount: "LT693080010000000294", BeneficiaryReference: "invoice 17",
	})
	if err != nil {
		return err
	}
	_, err = s.client.CreatePayment(nonce.NewContext(ctx, ticket), order)
	return err
}

// post sends a form. The answer has no result.
func (s *stage) post(ctx context.Context, path string, form nexpay.Form) error {
	req, err := s.client.NewRequest(ctx, http.MethodPost, path, form)
	if err != nil {
		return err
	}
	return s.client.Do(req, nil)
}

// waitFor waits until the breaker is in that state, for at most two seconds.
func (s *stage) waitFor(ctx context.Context, state breaker.State) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for s.breaker.State() != state {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the breaker never became %v: %w", state, ctx.Err())
		}
	}
	return nil
}
