// Package payments makes payments in workflows of DBOS, see docs/durable.md.
package payments

import (
	"context"
	"errors"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/retry"
)

// Payments are made through one Retrier, which has to have a Journal.
type Payments struct {
	Retrier   *retry.Retrier
	Operation func(id string) retry.Operation[nexpay.PaymentStatus]
}

// Ended is what a step came to. It is no error, as what DBOS records of one is its text.
type Ended struct {
	Happened bool
	Status   nexpay.PaymentStatus // zero: its value is lost
	Wait     time.Duration        // before another step is of use; zero: none is
	Why      string               // it did not succeed
}

// Workflow makes a payment and waits for as long as it takes.
func (p *Payments) Workflow(ctx dbos.Context, id string) (Ended, error) {
	for {
		ended, err := dbos.RunAsStep(ctx, func(ctx context.Context) (Ended, error) { return p.step(ctx, id) })
		if err != nil || ended.Wait == 0 {
			return ended, err
		}
		if _, err := dbos.Sleep(ctx, ended.Wait); err != nil {
			return ended, err
		}
	}
}

func (p *Payments) step(ctx context.Context, id string) (Ended, error) {
	if p.Retrier.Journal() == nil {
		return Ended{}, errors.New("a step that runs again would pay again: there is no journal")
	}
	status, err := retry.DoOnce(ctx, p.Retrier, p.Operation(id))
	if err == nil {
		return Ended{Happened: true, Status: status}, nil
	}
	e, ok := errors.AsType[*retry.Error](err)
	if !ok || e.Reason == retry.ErrCanceled { // which DBOS does not record
		return Ended{}, err
	}
	ended := Ended{Why: e.Error()}
	switch e.Reason {
	case retry.ErrApplied:
		ended.Happened = true
	case retry.ErrOutcomeUnknown:
		ended.Wait = max(time.Until(e.Doubt.Conclusive), e.Doubt.Settle)
	case retry.ErrBusy:
		ended.Wait = 40 * time.Second
	case retry.ErrOpen, retry.ErrRetryAfter, retry.ErrAttempts, retry.ErrElapsed, retry.ErrBudget, retry.ErrDeadline:
		ended.Wait = max(e.RetryIn(), 30*time.Second)
	}
	return ended, nil
}
