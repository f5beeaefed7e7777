package payments

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

const settle = time.Second

// The answer is lost, and so are the lookups of the first step: the second one finds
// the payment.
func TestPaidOnce(t *testing.T) {
	bank, credentials := nexpaytest.NewKeyed()
	defer bank.Close()
	signer, err := nexpay.NewSigner(credentials)
	fatal(t, err)
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	fatal(t, err)
	r, err := retry.New(retry.Config{Nonces: lane, Journal: new(retry.MemoryJournal)})
	fatal(t, err)
	c := &nexpay.Client{BaseURL: "http://bank.test", Signer: signer, HTTP: &http.Client{Transport: bank.RoundTripper()}}
	order, err := signer.SignOrder(nexpay.Order{
		RequestTime: time.Now(), Amount: "17.50", ExternalPaymentID: "inv-7",
		BeneficiaryName: "Baltic Paper", BeneficiaryAccount: "LT693080010000000294", BeneficiaryReference: "invoice 7",
	})
	fatal(t, err)
	steps := 0
	p := &Payments{Retrier: r, Operation: func(id string) retry.Operation[nexpay.PaymentStatus] {
		steps++
		p := nexpay.Payment{Client: c, ExternalID: id, Order: order}
		return retry.Operation[nexpay.PaymentStatus]{ID: id, Send: p.Send, Verify: p.Verify, Settle: settle, GiveUp: 2*settle + settle/2}
	}}
	bank.Script(nexpaytest.Fault{Execute: true, Reset: true})
	end := bank.AddRule(nexpaytest.Rule{Match: func(r nexpaytest.Request) bool { return r.Method == http.MethodGet }, Fault: nexpaytest.Fault{HTML: true}})
	time.AfterFunc(3*settle, end)

	ctx, err := dbos.NewContext(context.Background(), dbos.Config{
		DatabaseURL: "sqlite:" + filepath.Join(t.TempDir(), "dbos.db"), AppName: "payments", Logger: slog.New(slog.DiscardHandler),
	})
	fatal(t, err)
	dbos.RegisterWorkflow(ctx, p.Workflow)
	fatal(t, dbos.Launch(ctx))
	defer dbos.Shutdown(ctx, 2*time.Second)
	run, err := dbos.RunWorkflow(ctx, p.Workflow, "inv-7")
	fatal(t, err)
	ended, err := run.GetResult()
	t.Logf("%+v, %v after %d steps; paid %d times", ended, err, steps, bank.Executed("inv-7"))
	if err != nil || !ended.Happened || steps < 2 || bank.Executed("inv-7") != 1 {
		t.Fail()
	}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
