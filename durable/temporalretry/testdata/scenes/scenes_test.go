// Package scenes has scenes on a real Temporal server, see scenes.sh.
package scenes

import (
	"context"
	"net/http"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.temporal.io/server/temporaltest"

	"github.com/nexpay-go/resilience/durable/temporalretry"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

const settle = 2 * time.Second

// A scene is a payment at a bank whose first answer is lost, and whose lookups fail
// for as long as the first attempt looks.
type scene struct {
	bank *nexpaytest.Bank
	r    *retry.Retrier
	op   retry.Operation[nexpay.PaymentStatus]
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newScene(t *testing.T, journal retry.Journal) *scene {
	bank, credentials := nexpaytest.NewKeyed()
	t.Cleanup(bank.Close)
	signer := must[*nexpay.Signer](t)(nexpay.NewSigner(credentials))
	lane := must[*nonce.Lane](t)(nonce.NewLane(nonce.LaneConfig{Key: "main"}))
	r := must[*retry.Retrier](t)(retry.New(retry.Config{Nonces: lane, Journal: journal}))
	order := must[nexpay.Form](t)(signer.SignOrder(nexpay.Order{
		RequestTime: time.Now(), Amount: "17.50", ExternalPaymentID: "inv-7",
		BeneficiaryName: "Baltic Paper", BeneficiaryAccount: "LT693080010000000294", BeneficiaryReference: "invoice 7",
	}))
	c := &nexpay.Client{BaseURL: "http://bank.test", Signer: signer, HTTP: &http.Client{Transport: bank.RoundTripper()}}
	p := nexpay.Payment{Client: c, ExternalID: "inv-7", Order: order}
	return &scene{bank, r, retry.Operation[nexpay.PaymentStatus]{
		ID: p.ExternalID, Fingerprint: p.Fingerprint(), Send: p.Send, Verify: p.Verify, Settle: settle, GiveUp: 2*settle + settle/2,
	}}
}

// loses has the payment made, its answer lost, and its lookups fail for a while.
func (s *scene) loses() {
	s.bank.Script(nexpaytest.Fault{Execute: true, Reset: true})
	end := s.bank.AddRule(nexpaytest.Rule{Match: func(r nexpaytest.Request) bool { return r.Method == http.MethodGet }, Fault: nexpaytest.Fault{HTML: true}})
	time.AfterFunc(3*settle, end)
}

// play runs a workflow with one activity on the server.
func play(t *testing.T, pay any) error {
	server := temporaltest.NewServer(temporaltest.WithT(t))
	server.NewWorker("payments", func(registry worker.Registry) {
		registry.RegisterActivity(pay)
		registry.RegisterWorkflow(invoice)
		activity = pay
	})
	run, err := server.GetDefaultClient().ExecuteWorkflow(context.Background(), client.StartWorkflowOptions{TaskQueue: "payments"}, invoice)
	if err != nil {
		t.Fatal(err)
	}
	return run.Get(context.Background(), nil)
}

var activity any // of the scene

func invoice(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, ScheduleToCloseTimeout: 2 * time.Minute, HeartbeatTimeout: time.Second,
		WaitForCancellation: true, RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second},
	})
	return workflow.ExecuteActivity(ctx, activity).Get(ctx, nil)
}

// As it was without this package, and without a journal.
func TestPlainCallPaysTwice(t *testing.T) {
	s := newScene(t, nil)
	s.loses()
	op := s.op
	op.Verify = nil
	err := play(t, func(ctx context.Context) error { _, err := retry.DoOnce(ctx, s.r, op); return err })
	t.Logf("the workflow ended with %v; paid %d times", err, s.bank.Executed("inv-7"))
	if err != nil || s.bank.Executed("inv-7") != 2 {
		t.Fail()
	}
}

func TestWithoutAJournalNothingIsSent(t *testing.T) {
	s := newScene(t, nil)
	s.loses()
	err := play(t, func(ctx context.Context) error { _, err := temporalretry.DoOnce(ctx, s.r, s.op); return err })
	d, _ := temporalretry.DetailsOf(err)
	t.Logf("the workflow ended with %v; requests: %d", err, len(s.bank.Requests()))
	if d.Reason != "no-journal" || len(s.bank.Requests()) != 0 {
		t.Fail()
	}
}

func TestWithAJournalItIsPaidOnce(t *testing.T) {
	s := newScene(t, new(retry.MemoryJournal))
	s.loses()
	attempts := 0
	err := play(t, func(ctx context.Context) error {
		attempts++
		_, err := temporalretry.DoOnce(ctx, s.r, s.op)
		return err
	})
	t.Logf("the workflow ended with %v after %d attempts; paid %d times", err, attempts, s.bank.Executed("inv-7"))
	if err != nil || attempts < 2 || s.bank.Executed("inv-7") != 1 {
		t.Fail()
	}
}

func TestALockedKeyCostsOneRequest(t *testing.T) {
	s := newScene(t, new(retry.MemoryJournal))
	s.bank.Script(nexpaytest.Fault{Code: "100"})
	err := play(t, func(ctx context.Context) error { _, err := temporalretry.DoOnce(ctx, s.r, s.op); return err })
	again := play(t, func(ctx context.Context) error { _, err := temporalretry.DoOnce(ctx, s.r, s.op); return err })
	d, _ := temporalretry.DetailsOf(err)
	e, _ := temporalretry.DetailsOf(again)
	t.Logf("the workflows ended with %v, and %v; requests: %d", err, again, len(s.bank.Requests()))
	if d.Reason != "fatal" || d.Code != "100" || e.Reason != "locked-out" || len(s.bank.Requests()) != 1 {
		t.Fail()
	}
}
