package nexpaytest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/nonce/noncetest"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/journaltest"
)

// This file is the code of docs/testing.md. A Payer stands for the integration under test:
// a program makes one, and tests make one that talks to the bank.
type Payer struct {
	client  *nexpay.Client
	retrier *retry.Retrier
	breaker *breaker.Breaker
}

func NewPayer(url string, c nexpay.Credentials, transport http.RoundTripper) (*Payer, error) {
	signer, err := nexpay.NewSigner(c)
	if err != nil {
		return nil, err
	}
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	if err != nil {
		return nil, err
	}
	b, err := breaker.New(breaker.Config{Name: "nexpay"})
	if err != nil {
		return nil, err
	}
	r, err := retry.New(retry.Config{Nonces: lane, Breaker: b, Journal: new(retry.MemoryJournal)})
	if err != nil {
		return nil, err
	}
	client := &nexpay.Client{BaseURL: url, Signer: signer, HTTP: &http.Client{Transport: transport}}
	return &Payer{client, r, b}, nil
}

// Order signs the order of an invoice: once, as it is stored with the invoice.
func (p *Payer) Order(id, amount string) (nexpay.Form, error) {
	return p.client.Signer.SignOrder(nexpay.Order{
		RequestTime: time.Now(), Amount: amount, ExternalPaymentID: id,
		BeneficiaryName: "Baltic Paper", BeneficiaryAccount: "LT693080010000000294", BeneficiaryReference: id,
	})
}

// Pay pays an order, once.
func (p *Payer) Pay(ctx context.Context, id string, order nexpay.Form) error {
	payment := nexpay.Payment{Client: p.client, ExternalID: id, Order: order}
	_, err := retry.DoOnce(ctx, p.retrier, retry.Operation[nexpay.PaymentStatus]{
		ID: id, Fingerprint: payment.Fingerprint(), Send: payment.Send, Verify: payment.Verify,
	})
	return err
}

// Balance is a read.
func (p *Payer) Balance(ctx context.Context) error {
	_, err := retry.DoValue(ctx, p.retrier, p.client.AccountStatus)
	return err
}

// newTest is the bank in the process, without a network, and a Payer that has made its first
// call, as a program does at its start.
func newTest(t *testing.T) (*nexpaytest.Bank, *Payer) {
	t.Helper()
	bank, credentials := nexpaytest.NewKeyed()
	p, err := NewPayer("https://bank.test", credentials, bank.RoundTripper())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Balance(t.Context()); err != nil {
		t.Fatal(err)
	}
	return bank, p
}

// pay pays one invoice.
func pay(t *testing.T, p *Payer, id string) error {
	t.Helper()
	order, err := p.Order(id, "17.50")
	if err != nil {
		t.Fatal(err)
	}
	return p.Pay(t.Context(), id, order)
}

func TestALostAnswer(t *testing.T) {
	bank, credentials := nexpaytest.NewKeyed()
	defer bank.Close()
	url, err := bank.Start() // HTTP on 127.0.0.1
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	p, err := NewPayer(url, credentials, transport)
	if err != nil {
		t.Fatal(err)
	}
	bank.Script(nexpaytest.Fault{Execute: true, Reset: true}) // paid, and the answer is lost
	if err := pay(t, p, "inv-7"); err != nil {
		t.Error(err)
	}
	if n := bank.Executed("inv-7"); n != 1 {
		t.Errorf("paid %d times", n)
	}
}

func TestEachFault(t *testing.T) {
	for name, test := range map[string]struct {
		fault nexpaytest.Fault
		want  error // nil: it is paid
		paid  int
	}{
		"a gateway's page":     {nexpaytest.Fault{HTML: true}, nil, 1},
		"paid, and a 502":      {nexpaytest.Fault{Execute: true, Status: 502}, nil, 1},
		"no answer at all":     {nexpaytest.Fault{Hang: true}, nil, 1},
		"the answer is cut":    {nexpaytest.Fault{Execute: true, Truncate: 5}, nil, 1},
		"a proxy repeats it":   {nexpaytest.Fault{Twice: true}, nil, 1},
		"a wrong parameter":    {nexpaytest.Fault{Code: "30010"}, retry.ErrFixAndResend, 0},
		"the key is locked":    {nexpaytest.Fault{Code: "100"}, retry.ErrFatal, 0},
		"suspended: come back": {nexpaytest.Fault{Code: "140"}, retry.ErrAttempts, 0},
		"a long rate limit":    {nexpaytest.Fault{Status: 429, RetryAfter: "3600"}, retry.ErrRetryAfter, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bank, p := newTest(t)
				bank.Script(test.fault)
				if err := pay(t, p, "inv-7"); !errors.Is(err, test.want) {
					t.Error(err)
				}
				if n := bank.Executed("inv-7"); n != test.paid {
					t.Errorf("paid %d times", n)
				}
			})
		})
	}
}

// An hour of virtual time, and none of yours.
func TestAnOutageOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bank, p := newTest(t) // inside the bubble
		bank.Script(nexpaytest.Fault{Execute: true, Reset: true})
		end := bank.AddRule(nexpaytest.Rule{Fault: nexpaytest.Fault{HTML: true}})
		order, err := p.Order("inv-7", "17.50")
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		err = p.Pay(t.Context(), "inv-7", order)
		if !errors.Is(err, retry.ErrOutcomeUnknown) || time.Since(begin) < 9*time.Minute {
			t.Error(time.Since(begin), err)
		}
		time.Sleep(50 * time.Minute)
		end()
		if err := p.Pay(t.Context(), "inv-7", order); err != nil { // it is looked up, and found
			t.Error(err)
		}
		if n := bank.Executed("inv-7"); n != 1 {
			t.Errorf("paid %d times", n)
		}
	})
}

func TestTheErrorSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bank, p := newTest(t)
		bank.AddRule(nexpaytest.Rule{Fault: nexpaytest.Fault{Code: "-32603"}})
		err := p.Balance(t.Context())
		e, ok := errors.AsType[*retry.Error](err)
		if !ok || e.Reason != retry.ErrAttempts || e.Attempts != 4 || e.Effect != classify.Unknown {
			t.Fatal(err)
		}
		answer, ok := errors.AsType[*classify.Error](err)
		if !ok || answer.Details[0].Code != "-32603" {
			t.Fatal(err)
		}
		sent := bank.Requests()
		if last := sent[len(sent)-1]; e.TraceID != last.TraceID {
			t.Errorf("trace %s instead of %s", e.TraceID, last.TraceID)
		}
	})
}

func TestTheBreakerOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bank, p := newTest(t)
		end := bank.AddRule(nexpaytest.Rule{Fault: nexpaytest.Fault{Status: 503}})
		for p.breaker.State() == breaker.Closed {
			_ = p.Balance(t.Context())
		}
		sent := len(bank.Requests())
		if err := p.Balance(t.Context()); !errors.Is(err, retry.ErrOpen) || len(bank.Requests()) != sent {
			t.Error("sent to a server that is down:", err)
		}
		end()
		time.Sleep(p.breaker.RetryIn())
		if err := p.Balance(t.Context()); err != nil || p.breaker.State() != breaker.Closed {
			t.Error(p.breaker.State(), err)
		}
	})
}

func TestWhatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bank, p := newTest(t)
		bank.Script(nexpaytest.Fault{HTML: true})
		if err := pay(t, p, "inv-7"); err != nil {
			t.Fatal(err)
		}
		highest := uint64(0)
		for _, r := range bank.Requests() {
			if r.Method == http.MethodPost && r.Refusal != "" { // by the bank's own checks
				t.Errorf("%s: code %s", r.Path, r.Refusal)
			}
			if r.Nonce <= highest {
				t.Error("a nonce that does not rise")
			}
			highest = r.Nonce
		}
		if amount, _ := bank.Payments()[0].Fields.Get("amount"); amount != "17.50" {
			t.Errorf("paid %s", amount)
		}
	})
}

// Whatever becomes of requests and answers: never twice, and what is said is true.
func FuzzPay(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Add([]byte{6, 6, 1, 0, 4})
	faults := []nexpaytest.Fault{
		{}, // all is well
		{Execute: true, Reset: true},
		{Reset: true},
		{HTML: true},
		{Execute: true, Status: 500},
		{Code: "30010"},
		{Twice: true},
		{Hang: true},
		{VisibleAfter: 30 * time.Second, Truncate: 3},
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 50 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			bank, p := newTest(t)
			for _, step := range script {
				bank.Script(faults[int(step)%len(faults)])
			}
			err := pay(t, p, "inv-7")
			paid := bank.Executed("inv-7")
			switch {
			case paid > 1:
				t.Errorf("paid %d times", paid)
			case errors.Is(err, retry.ErrOutcomeUnknown): // nobody knows: both may be
			case (err == nil || errors.Is(err, retry.ErrApplied)) != (paid == 1):
				t.Errorf("paid %d times, and it says: %v", paid, err)
			}
		})
	})
}

func TestMyJournal(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) journaltest.Store {
		return journaltest.Store{Journal: new(retry.MemoryJournal)} // yours
	})
}

func TestMySource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, err := nonce.NewLane(nonce.LaneConfig{Key: "main"}) // yours
		if err != nil {
			t.Fatal(err)
		}
		noncetest.Run(t, source)
	})
}

// A journal that stores an entry and says that it did not.
func TestAJournalThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bank, p := newTest(t)
		journal := &journaltest.Adversary{
			Journal: new(retry.MemoryJournal),
			Plan:    journaltest.Seeded(1, 0.5), // half of all calls suffer one of the faults
		}
		var err error
		p.retrier, err = retry.New(retry.Config{Nonces: p.retrier.Nonces(), Journal: journal})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			id := fmt.Sprint("inv-", i)
			err := pay(t, p, id)
			if paid := bank.Executed(id); paid > 1 || err == nil && paid == 0 {
				t.Errorf("%s: paid %d times: %v", id, paid, err)
			}
		}
	})
}
