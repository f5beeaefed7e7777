package nexpay_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
)

func ExampleNewSigner() {
	_, err := nexpay.NewSigner(nexpay.Credentials{Key: "my key", Secret: "copied with its line end\n"})
	fmt.Println(err)

	fmt.Printf("%+v\n", nexpay.Credentials{Key: "my-key", Secret: "my-secret"})
	// Output:
	// nexpay: Credentials.Key has a character that cannot be part of a key: a space, a line end or a non-ASCII letter
	// nexpay: Credentials.Secret begins or ends with white space
	// nexpay.Credentials{Key: set, Secret: set, PaymentSecret: not set}
}

// Inside an operation of package retry the context carries a ticket already.
func ExampleSigner_Sign() {
	signer, err := nexpay.NewSigner(nexpay.Credentials{Key: "AK-1", Secret: "s3cret-ключ"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := nonce.NewContext(context.Background(), nonce.NewTicket("main", 1700000000000001, nil, nil))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://bank.test/api/1/eurowallet/status", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := signer.Sign(req); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("X-NONCE:", req.Header.Get("X-NONCE"))
	fmt.Println("X-Signature:", req.Header.Get("X-Signature")[:16]+"…")
	// Output:
	// X-NONCE: 1700000000000001
	// X-Signature: 0d352c6d4a742d1b…
}

// A payment is signed once, and stays as it is over resends.
func ExampleSigner_SignPayment() {
	signer, err := nexpay.NewSigner(nexpay.Credentials{Key: "AK-1", Secret: "s3cret", PaymentSecret: "pay-s3cret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	payment, err := signer.SignPayment(nexpay.Form{
		{Name: "requestTime", Value: "1700000000000"},
		{Name: "externalPaymentId", Value: "order-17"},
		{Name: "amount", Value: "10.50"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment[3].Name, len(payment[3].Value))
	// Output: transactionSignature 128
}

func ExampleForm() {
	f := nexpay.Form{{Name: "receiver", Value: "Anna & Co"}, {Name: "amount", Value: "10.50"}}
	fmt.Println("sent:  ", f.Encode())
	fmt.Println("signed:", f.Text())
	// Output:
	// sent:   receiver=Anna+%26+Co&amount=10.50
	// signed: receiver=Anna & Co&amount=10.50
}

func ExampleParseForm() {
	f, err := nexpay.ParseForm("b=two%20words&a=1")
	fmt.Println(f.Text(), err)
	// Output: b=two words&a=1 <nil>
}

// exampleClient speaks to a test bank in which order-17 has been paid.
func exampleClient() (*nexpay.Client, *nonce.Lane) {
	bank, credentials := nexpaytest.NewKeyed()
	signer, err := nexpay.NewSigner(credentials)
	if err != nil {
		panic(err)
	}
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	if err != nil {
		panic(err)
	}
	client := &nexpay.Client{BaseURL: "https://bank.test", Signer: signer, HTTP: &http.Client{Transport: bank.RoundTripper()}}
	payment, err := signer.SignPayment(nexpay.Form{{Name: "externalPaymentId", Value: "order-17"}, {Name: "amount", Value: "10.50"}})
	if err != nil {
		panic(err)
	}
	err = withTurn(lane, func(ctx context.Context) error {
		req, err := client.NewRequest(ctx, http.MethodPost, "/api/2/eurowallet/payments", payment)
		if err != nil {
			return err
		}
		return client.Do(req, new(any))
	})
	if err != nil {
		panic(err)
	}
	return client, lane
}

// withTurn is what package retry does around each attempt.
func withTurn(lane *nonce.Lane, op func(context.Context) error) error {
	ticket, err := lane.Enter(context.Background())
	if err != nil {
		return err
	}
	defer ticket.Leave()
	return op(nonce.NewContext(context.Background(), ticket))
}

func ExampleClient_PaymentByExternalID() {
	client, lane := exampleClient()
	err := withTurn(lane, func(ctx context.Context) error {
		p, err := client.PaymentByExternalID(ctx, "order-17")
		fmt.Println(p.PaymentID, p.Status)
		return err
	})
	fmt.Println(err)
	// Output:
	// 1 PENDING
	// <nil>
}

func ExampleClient_PaymentByClientID() {
	client, lane := exampleClient()
	err := withTurn(lane, func(ctx context.Context) error {
		p, err := client.PaymentByClientID(ctx, 1)
		fmt.Println(p.PaymentID, p.Status)
		return err
	})
	fmt.Println(err)
	// Output:
	// 1 PENDING
	// <nil>
}

func ExampleClient_AccountStatus() {
	client, lane := exampleClient()
	err := withTurn(lane, func(ctx context.Context) error {
		raw, err := client.AccountStatus(ctx)
		fmt.Println(string(raw))
		return err
	})
	fmt.Println(err)
	// Output:
	// {"balance":"1000.00","currency":"EUR","status":"ACTIVE"}
	// <nil>
}

// Any call of the API; here one that answers with an empty body.
func ExampleClient_Do() {
	client, lane := exampleClient()
	err := withTurn(lane, func(ctx context.Context) error {
		req, err := client.NewRequest(ctx, http.MethodPost, "/api/2/eurowallet/payments/cancel-scheduled",
			nexpay.Form{{Name: "externalPaymentId", Value: "order-17"}})
		if err != nil {
			return err
		}
		return client.Do(req, nil)
	})
	fmt.Println(err)
	// Output: <nil>
}
