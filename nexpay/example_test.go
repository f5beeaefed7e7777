package nexpay_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/nexpay-go/resilience/classify"
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
func ExampleSigner_SignOrder() {
	signer, err := nexpay.NewSigner(nexpay.Credentials{Key: "AK-1", Secret: "s3cret", PaymentSecret: "pay-s3cret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	order := nexpay.Order{
		RequestTime: time.UnixMilli(1700000000000), Amount: "10.50", ExternalPaymentID: "order-17",
		BeneficiaryName: "Anna & Co", BeneficiaryAccount: "LT693080010000000294", BeneficiaryReference: "invoice 17",
	}
	payment, err := signer.SignOrder(order)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, field := range payment {
		fmt.Printf("%s: %.20s\n", field.Name, field.Value)
	}

	order.Amount, order.BeneficiaryName = "10,50", ""
	_, err = signer.SignOrder(order)
	fmt.Println(err)
	// Output:
	// requestTime: 1700000000000
	// amount: 10.50
	// beneficiaryName: Anna & Co
	// beneficiaryAccount: LT693080010000000294
	// beneficiaryReference: invoice 17
	// externalPaymentId: order-17
	// transactionSignature: 94f9ba9f7ac0eeb60d58
	// nexpay: Order.Amount is not euros above 0, as digits with at most two decimals after a "."
	// nexpay: Order.BeneficiaryName is missing
}

// Any fields, in any order: for calls that are signed like a payment.
func ExampleSigner_SignPayment() {
	signer, err := nexpay.NewSigner(nexpay.Credentials{Key: "AK-1", Secret: "s3cret", PaymentSecret: "pay-s3cret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	payment, err := signer.SignPayment(nexpay.Form{{Name: "requestTime", Value: "1700000000000"}, {Name: "amount", Value: "10.50"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment[2].Name, len(payment[2].Value))
	// Output: transactionSignature 128
}

func ExampleOrder_Form() {
	form, err := nexpay.Order{
		RequestTime: time.UnixMilli(1700000000000), Amount: "10.50", UseGBXForFee: new(false),
		BeneficiaryName: "Anna & Co", BeneficiaryAccount: "LT693080010000000294", BeneficiaryReference: "invoice 17",
	}.Form()
	fmt.Println(form.Text(), err)
	// Output:
	// requestTime=1700000000000&amount=10.50&beneficiaryName=Anna & Co&beneficiaryAccount=LT693080010000000294&beneficiaryReference=invoice 17&useGbxForFee=false <nil>
}

func ExampleForm() {
	f := nexpay.Form{{Name: "beneficiaryName", Value: "Anna & Co"}, {Name: "amount", Value: "10.50"}}
	fmt.Println("sent:  ", f.Encode())
	fmt.Println("signed:", f.Text())
	// Output:
	// sent:   beneficiaryName=Anna+%26+Co&amount=10.50
	// signed: beneficiaryName=Anna & Co&amount=10.50
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
	payment := signed(client, "order-17")
	err = withTurn(lane, func(ctx context.Context) error {
		_, err := client.CreatePayment(ctx, payment)
		return err
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
	// {"accounts":[{"iban":"LT000000000000000000","status":"ACTIVE","balance":"999989.50"}]}
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

// signed is an order of 10.50, signed once.
func signed(client *nexpay.Client, id string) nexpay.Form {
	order, err := client.Signer.SignOrder(nexpay.Order{
		RequestTime: time.UnixMilli(1700000000000), Amount: "10.50", ExternalPaymentID: id,
		BeneficiaryName: "Anna & Co", BeneficiaryAccount: "LT693080010000000294", BeneficiaryReference: "invoice 17",
	})
	if err != nil {
		panic(err)
	}
	return order
}

func ExampleClient_CreatePayment() {
	client, lane := exampleClient()
	err := withTurn(lane, func(ctx context.Context) error {
		p, err := client.CreatePayment(ctx, signed(client, "order-18"))
		fmt.Println(p.PaymentID, p.Status)
		return err
	})
	fmt.Println(err)
	// Output:
	// 2 PENDING
	// <nil>
}

// Send is what retry.DoOnce does first. A payment whose order is not signed is
// not sent.
func ExamplePayment_Send() {
	client, lane := exampleClient()
	p := nexpay.Payment{Client: client, ExternalID: "order-18", Order: signed(client, "order-18")}
	send := func(ctx context.Context) error {
		status, err := p.Send(ctx)
		fmt.Println(status.Status, err)
		return err
	}
	_ = withTurn(lane, send)
	p.Order = p.Order[:len(p.Order)-1]
	_ = withTurn(lane, send)
	// Output:
	// PENDING <nil>
	//  nexpay: the payment is not signed: the transactionSignature that SignOrder adds must be its last field, and must occur once
}

// Verify is what retry.DoOnce does before it sends a payment again: order-17 was
// paid, of order-18 the bank knows nothing.
func ExamplePayment_Verify() {
	client, lane := exampleClient()
	for _, id := range []string{"order-17", "order-18"} {
		p := nexpay.Payment{Client: client, ExternalID: id}
		err := withTurn(lane, func(ctx context.Context) error {
			status, outcome, err := p.Verify(ctx)
			fmt.Println(id, outcome, status.Status)
			return err
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// order-17 applied PENDING
	// order-18 absent
}

// A gateway that has lost its way to the API proves nothing.
func ExampleUnprovenError() {
	bank, credentials := nexpaytest.NewKeyed()
	signer, err := nexpay.NewSigner(credentials)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &nexpay.Client{BaseURL: "https://bank.test", Signer: signer, HTTP: &http.Client{Transport: bank.RoundTripper()}}
	bank.Script(nexpaytest.Fault{HTML: true, Status: 404})
	ctx := nonce.NewContext(context.Background(), nonce.NewTicket("main", 1, nil, nil))
	_, outcome, err := nexpay.Payment{Client: client, ExternalID: "order-17"}.Verify(ctx)
	fmt.Println(outcome)
	fmt.Println(err)
	// Output:
	// undecided
	// nexpay: the lookup proves nothing, it is not a complete error of the API with its codes: HTTP 404
}

// What the vendor's sandbox answered for a random id goes in here.
func ExampleDefaultAbsent() {
	answer := classify.Decode(404, nil, []byte(`{"errors":[{"code":30000,"message":"Request error"}]}`))
	fmt.Println(nexpay.DefaultAbsent(answer))
	fmt.Println(nexpay.DefaultAbsent(classify.Decode(404, nil, []byte("<html>"))))

	p := nexpay.Payment{Absent: func(e *classify.Error) bool {
		return e.Status == 400 && e.Details[0].Code == "30077"
	}}
	fmt.Println(p.Absent(answer))
	// Output:
	// true
	// false
	// false
}

// The same order has the same fingerprint, whoever asks and when.
func ExamplePayment_Fingerprint() {
	client, _ := exampleClient()
	before := nexpay.Payment{Client: client, ExternalID: "order-18", Order: signed(client, "order-18")}
	after := nexpay.Payment{ExternalID: "order-18", Order: signed(client, "order-18")}
	other := nexpay.Payment{ExternalID: "order-19", Order: signed(client, "order-19")}
	fmt.Println(len(before.Fingerprint()), before.Fingerprint() == after.Fingerprint(), before.Fingerprint() == other.Fingerprint())
	// Output: 64 true false
}

// When a program starts: is this the API, and is its answer for an unknown payment the expected one?
func ExampleClient_Check() {
	client, lane := exampleClient()
	fmt.Println(withTurn(lane, client.Check)) // retry.Do(ctx, r, client.Check)
	fmt.Println(withTurn(lane, nexpay.Payment{Client: client}.CheckAbsent))
	// Output:
	// <nil>
	// <nil>
}
