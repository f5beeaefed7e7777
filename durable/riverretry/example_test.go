package riverretry_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"github.com/nexpay-go/resilience/durable/riverretry"
	"github.com/nexpay-go/resilience/retry"
)

type PayArgs struct {
	ID string `json:"id"`
}

func (PayArgs) Kind() string { return "pay" }

// A PayWorker makes payments through one Retrier, whose journal all workers share.
type PayWorker struct {
	river.WorkerDefaults[PayArgs]
	retrier *retry.Retrier
	payment func(id string) retry.Operation[string]
}

func (w *PayWorker) Work(ctx context.Context, job *river.Job[PayArgs]) error {
	return riverretry.DoOnce(ctx, w.retrier, w.payment(job.Args.ID), func(ctx context.Context, receipt string, err error) error {
		if err != nil { // retry.ErrApplied
			receipt = "paid, without a receipt"
		}
		return w.book(ctx, job.Args.ID, receipt)
	})
}

// Timeout is more than twice Settle, and a send.
func (w *PayWorker) Timeout(*river.Job[PayArgs]) time.Duration { return 3 * time.Minute }

func (w *PayWorker) book(_ context.Context, id, receipt string) error {
	fmt.Println(id, "is booked:", receipt)
	return nil
}

// The bank's answer is lost. The payment is looked up, made once, and booked.
func Example() {
	r, err := retry.New(retry.Config{Journal: new(retry.MemoryJournal)}) // in production that of sqljournal
	if err != nil {
		fmt.Println(err)
		return
	}
	w := &PayWorker{retrier: r, payment: func(id string) retry.Operation[string] {
		return retry.Operation[string]{
			ID: id,
			Send: func(context.Context) (string, error) {
				return "", errors.New("connection reset before the answer came")
			},
			Verify: func(context.Context) (string, retry.Outcome, error) { return "receipt 4711", retry.Applied, nil },
		}
	}}
	err = w.Work(context.Background(), &river.Job[PayArgs]{Args: PayArgs{ID: "inv-7"}}) // as River does
	fmt.Println(err)
	// Output:
	// inv-7 is booked: receipt 4711
	// <nil>
}
