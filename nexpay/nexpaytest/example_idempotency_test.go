package nexpaytest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// A payment to an API that keeps the operation's id as an idempotency key for a
// day. The answer is lost; the payment is sent again, and the API repeats its
// answer instead of paying again.
func ExampleIdempotency() {
	key := nexpaytest.Key{ID: "k", Secret: "s", PaymentSecret: "p"}
	bank, err := nexpaytest.New(nexpaytest.Config{
		Keys:        []nexpaytest.Key{key},
		Idempotency: nexpaytest.Idempotency{For: 24 * time.Hour, Field: "externalPaymentId"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bank.Close()
	bank.Script(nexpaytest.Fault{Execute: true, Reset: true})

	client := newClient("https://bank.test", key.Credentials(), bank.RoundTripper())
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Nonces: lane})
	if err != nil {
		fmt.Println(err)
		return
	}
	order, err := client.Signer.SignOrder(nexpay.Order{
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
		Idempotent: 24 * time.Hour,
	})
	fmt.Println(status.PaymentID, status.Status, err)
	for _, r := range bank.Requests() {
		fmt.Println(r.Method, r.Status, "executed:", r.Executed, "replayed:", r.Replayed)
	}
	// Output:
	// 1 PENDING <nil>
	// POST 0 executed: true replayed: false
	// POST 200 executed: false replayed: true
}
