package retry_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// A payment whose answer is lost is looked up, not sent again.
func ExampleDoOnce() {
	r, err := retry.New(retry.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	paymentID, err := retry.DoOnce(context.Background(), r, retry.Operation[string]{
		ID: "inv-7",
		Send: func(context.Context) (string, error) {
			fmt.Println("sent")
			return "", errors.New("connection reset before the answer came")
		},
		Verify: func(context.Context) (string, retry.Outcome, error) {
			fmt.Println("looked up")
			return "payment 4711", retry.Applied, nil
		},
	})
	fmt.Println(paymentID, err)
	// Output:
	// sent
	// looked up
	// payment 4711 <nil>
}

// The bank executes the payment and the answer is lost on the way. It is made
// once all the same, and its number comes back.
func ExampleDoOnce_payment() {
	bank, credentials := nexpaytest.NewKeyed()
	defer bank.Close()
	url, err := bank.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	bank.Script(nexpaytest.Fault{Execute: true, Reset: true})

	signer, err := nexpay.NewSigner(credentials)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &nexpay.Client{BaseURL: url, Signer: signer}
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	if err != nil {
		fmt.Println(err)
		return
	}
	journal := new(retry.MemoryJournal)
	r, err := retry.New(retry.Config{Nonces: lane, Journal: journal})
	if err != nil {
		fmt.Println(err)
		return
	}
	order, err := signer.SignOrder(nexpay.Order{
		RequestTime: time.Now(), Amount: "17.50", ExternalPaymentID: "inv-7",
		BeneficiaryName: "Baltic Paper", BeneficiaryAccount: "LT693080010000000294", BeneficiaryReference: "invoice 7",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := nexpay.Payment{Client: client, ExternalID: "inv-7", Order: order}
	status, err := retry.DoOnce(context.Background(), r, retry.Operation[nexpay.PaymentStatus]{
		ID: p.ExternalID, Fingerprint: p.Fingerprint(), Send: p.Send, Verify: p.Verify,
	})
	fmt.Println(status.PaymentID, status.Status, err)
	fmt.Println("executed", bank.Executed("inv-7"))
	// Output:
	// 1 PENDING <nil>
	// executed 1
}

// What nobody could find out is said, with all that a person needs.
func ExampleDoOnce_unknown() {
	r, err := retry.New(retry.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = retry.DoOnce(context.Background(), r, retry.Operation[string]{
		ID:   "inv-8",
		Send: func(context.Context) (string, error) { return "", code(502) },
	})
	var e *retry.Error
	if errors.Is(err, retry.ErrOutcomeUnknown) && errors.As(err, &e) {
		fmt.Println("do not pay again:", e.Doubt.ID)
		fmt.Println("ask support for:", e.Doubt.TraceIDs)
		fmt.Println("because:", e.Doubt.Blocked)
	}
	// Output:
	// do not pay again: inv-8
	// ask support for: [5f2c]
	// because: the operation has no Verify, so it cannot be looked up
}

// With a journal an operation is done once over restarts too, and what a crash
// left open is finished at the next start.
func ExampleRecover() {
	journal := new(retry.MemoryJournal) // a durable one in real life
	_, err := journal.Begin(context.Background(), retry.Entry{ID: "inv-9", State: retry.EntryOpen, Owner: "a process that crashed", At: time.Now()})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Journal: journal})
	if err != nil {
		fmt.Println(err)
		return
	}
	results, err := retry.Recover(context.Background(), r, journal, func(retry.Entry) (retry.Operation[string], bool) {
		return retry.Operation[string]{
			Send:   func(context.Context) (string, error) { return "", errors.New("not needed here") },
			Verify: func(context.Context) (string, retry.Outcome, error) { return "payment 4712", retry.Applied, nil },
		}, true
	})
	fmt.Println(err)
	for _, result := range results {
		fmt.Println(result.ID, result.Value, result.Err)
	}
	// Output:
	// <nil>
	// inv-9 payment 4712 <nil>
}

// After a bad night there is much to finish: how far it has come shows while it runs.
func ExampleRecoverEach() {
	journal := new(retry.MemoryJournal) // a durable one in real life
	for _, id := range []string{"inv-9", "inv-10"} {
		_, err := journal.Begin(context.Background(), retry.Entry{ID: id, State: retry.EntryOpen, Owner: "a process that crashed", At: time.Now()})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	r, err := retry.New(retry.Config{Journal: journal})
	if err != nil {
		fmt.Println(err)
		return
	}
	find := func(retry.Entry) (retry.Operation[string], bool) {
		return retry.Operation[string]{
			Send:   func(context.Context) (string, error) { return "", errors.New("not needed here") },
			Verify: func(context.Context) (string, retry.Outcome, error) { return "paid", retry.Applied, nil },
		}, true
	}
	finished, failed := 0, 0
	err = retry.RecoverEach(context.Background(), r, journal, find, func(one retry.Recovered[string]) {
		finished++
		if one.Err != nil {
			failed++
		}
		fmt.Printf("%d finished, %d of them need a person\n", finished, failed)
	})
	fmt.Println(err)
	// Output:
	// 1 finished, 0 of them need a person
	// 2 finished, 0 of them need a person
	// <nil>
}
