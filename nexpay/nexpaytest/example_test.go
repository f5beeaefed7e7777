package nexpaytest_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
)

// newClient stands for the integration under test.
func newClient(baseURL string, c nexpay.Credentials, rt http.RoundTripper) *nexpay.Client {
	signer, err := nexpay.NewSigner(c)
	if err != nil {
		panic(err)
	}
	return &nexpay.Client{BaseURL: baseURL, Signer: signer, HTTP: &http.Client{Transport: rt}}
}

// send makes a payment with that nonce.
func send(client *nexpay.Client, n uint64, externalID string) error {
	ctx := nonce.NewContext(context.Background(), nonce.NewTicket("main", n, nil, nil))
	order, err := nexpay.Order{
		RequestTime: time.Now(), Amount: "10.50", ExternalPaymentID: externalID,
		BeneficiaryName: "Baltic Paper", BeneficiaryAccount: "LT693080010000000294", BeneficiaryReference: "invoice 17",
	}.Form()
	if err != nil {
		return err
	}
	req, err := client.NewRequest(ctx, http.MethodPost, "/api/2/eurowallet/payments", order)
	if err != nil {
		return err
	}
	return client.Do(req, new(any))
}

func ExampleNew() {
	key := nexpaytest.Key{ID: "k", Secret: "s", LastNonce: 100}
	bank, err := nexpaytest.New(nexpaytest.Config{Keys: []nexpaytest.Key{key}, RefuseDuplicates: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := newClient("https://bank.test", key.Credentials(), bank.RoundTripper())
	_ = send(client, 100, "order-17") // a nonce that was used before
	_ = send(client, 101, "order-17")
	_ = send(client, 102, "order-17") // a duplicate
	bank.SetState("k", nexpaytest.Locked)
	_ = send(client, 103, "order-18")
	for _, r := range bank.Requests() {
		fmt.Println(r.Nonce, r.Status, r.Code, r.Executed)
	}
	// Output:
	// 100 403 50 false
	// 101 200  true
	// 102 400 30000 false
	// 103 403 100 false
}

// The next requests meet these faults, one each.
func ExampleBank_Script() {
	bank, _ := nexpaytest.New(nexpaytest.Config{Keys: []nexpaytest.Key{{ID: "k", Secret: "s"}}})
	client := newClient("https://bank.test", nexpay.Credentials{Key: "k", Secret: "s"}, bank.RoundTripper())
	bank.Script(
		nexpaytest.Fault{HTML: true},                 // a gateway that cannot reach the bank
		nexpaytest.Fault{Execute: true, Reset: true}, // paid, and the answer lost
		nexpaytest.Fault{},                           // all is well
	)
	for n := range uint64(3) {
		err := send(client, n+1, "order-17")
		fmt.Println(err != nil, bank.Executed("order-17"))
	}
	// Output:
	// true 0
	// true 1
	// false 2
}

// An outage of the payments, and of nothing else.
func ExampleBank_AddRule() {
	bank, _ := nexpaytest.New(nexpaytest.Config{Keys: []nexpaytest.Key{{ID: "k", Secret: "s"}}})
	client := newClient("https://bank.test", nexpay.Credentials{Key: "k", Secret: "s"}, bank.RoundTripper())
	end := bank.AddRule(nexpaytest.Rule{
		Path:  "/api/2/eurowallet/payments",
		Fault: nexpaytest.Fault{Status: 503, RetryAfter: "30"},
	})
	fmt.Println(send(client, 1, "order-17"))
	end()
	fmt.Println(send(client, 2, "order-17"))
	// Output:
	// HTTP 503
	// <nil>
}

// Over real HTTP, on loopback.
func ExampleBank_Start() {
	bank, _ := nexpaytest.New(nexpaytest.Config{Keys: []nexpaytest.Key{{ID: "k", Secret: "s"}}})
	url, err := bank.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bank.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := newClient(url, nexpay.Credentials{Key: "k", Secret: "s"}, transport)
	fmt.Println(send(client, 1, "order-17"), bank.Executed("order-17"))
	// Output: <nil> 1
}

// All that most tests need.
func ExampleNewKeyed() {
	bank, credentials := nexpaytest.NewKeyed()
	client := newClient("https://bank.test", credentials, bank.RoundTripper())
	ctx := nonce.NewContext(context.Background(), nonce.NewTicket("main", 1, nil, nil))
	status, err := client.AccountStatus(ctx)
	fmt.Println(string(status), err)
	// Output: {"accounts":[{"iban":"LT000000000000000000","status":"ACTIVE","balance":"1000000.00"}]} <nil>
}

// A call that the bank does not have.
func ExampleBank_AddRoute() {
	bank, credentials := nexpaytest.NewKeyed()
	bank.AddRoute(nexpaytest.Route{
		Method: http.MethodGet, Path: "/api/1/eurowallet/batch/status",
		Answer: func(_ string, params nexpay.Form) nexpaytest.Fault {
			reference, _ := params.Get("reference")
			return nexpaytest.Fault{Body: fmt.Appendf(nil, `{"reference":%q,"status":"DONE"}`, reference)}
		},
	})
	client := newClient("https://bank.test", credentials, bank.RoundTripper())
	ctx := nonce.NewContext(context.Background(), nonce.NewTicket("main", 1, nil, nil))
	req, err := client.NewRequest(ctx, http.MethodGet, "/api/1/eurowallet/batch/status",
		nexpay.Form{{Name: "reference", Value: "0102"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var answer struct{ Reference, Status string }
	fmt.Println(client.Do(req, &answer), answer)
	// Output: <nil> {0102 DONE}
}

func ExampleBank_RoundTripper() {
	bank, _ := nexpaytest.New(nexpaytest.Config{Keys: []nexpaytest.Key{{ID: "k", Secret: "s"}}})
	client := newClient("https://any.host", nexpay.Credentials{Key: "k", Secret: "s"}, bank.RoundTripper())
	fmt.Println(send(client, 1, "order-17"), bank.Payments()[0].Status)
	// Output: <nil> PENDING
}

// TestHalfAnHour is the example that the documentation of RoundTripper shows,
// which needs a *testing.T.
func TestHalfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bank, _ := nexpaytest.New(nexpaytest.Config{Keys: []nexpaytest.Key{{ID: "k", Secret: "s"}}})
		client := newClient("https://bank.test", nexpay.Credentials{Key: "k", Secret: "s"}, bank.RoundTripper())
		bank.Script(nexpaytest.Fault{DelayAfter: 30 * time.Minute})
		start := time.Now()
		if err := send(client, 1, "order-17"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 30*time.Minute {
			t.Errorf("took %v", took)
		}
	})
}
