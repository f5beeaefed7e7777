package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

// A site is the bank that is paid through.
type site struct {
	url         string
	credentials nexpay.Credentials
	check       func(id string) string // what the bank has executed; "" if only the bank knows
	close       func()
}

// connect returns the bank from the environment, or else an offline one with faults.
func connect(o *options, getenv func(string) string) (site, error) {
	s := site{
		url:         getenv("NEXPAY_URL"),
		credentials: nexpay.Credentials{Key: getenv("NEXPAY_API_KEY"), Secret: getenv("NEXPAY_SECRET"), PaymentSecret: getenv("NEXPAY_PAYMENT_SECRET")},
		check:       func(string) string { return "" },
		close:       func() {},
	}
	switch {
	case s.url != "" && (s.credentials.Key == "" || s.credentials.Secret == "" || s.credentials.PaymentSecret == ""):
		return site{}, errors.New("with NEXPAY_URL, NEXPAY_API_KEY, NEXPAY_SECRET and NEXPAY_PAYMENT_SECRET are needed too")
	case s.url != "":
		return s, nil
	}
	if o.settle == 0 {
		o.settle = time.Second
	}
	if o.attempt == 0 {
		o.attempt = 300 * time.Millisecond
	}
	return offline(*o)
}

// offline starts a bank on loopback that fails one request in four.
func offline(o options) (site, error) {
	bank, credentials := nexpaytest.NewKeyed()
	url, err := bank.Start()
	if err != nil {
		return site{}, err
	}
	misbehave(bank, o.attempt)
	return site{url: url, credentials: credentials, close: bank.Close, check: func(id string) string {
		return fmt.Sprintf("executed %d times", bank.Executed(id))
	}}, nil
}

// misbehave makes a quarter of the requests fail, half of them after the payment was
// made.
func misbehave(bank *nexpaytest.Bank, attempt time.Duration) {
	for _, fault := range []nexpaytest.Fault{
		{Code: "-32603"},                   // refused to work
		{Status: 500, Execute: true},       // worked, and says it did not
		{HTML: true, Execute: true},        // a gateway's page instead of the answer
		{Reset: true, Execute: true},       // the answer is lost
		{Truncate: 5},                      // cut in the middle
		{DelayAfter: 2 * attempt},          // the answer comes too late
		{DelayBefore: attempt + attempt/2}, // executed after the client has hung up
		{Status: 503, RetryAfter: "1"},     // overloaded
		{HTML: true, Status: 404},          // a gateway that does not know the path
	} {
		bank.AddRule(nexpaytest.Rule{Share: 0.03, Fault: fault})
	}
}
