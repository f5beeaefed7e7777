package temporalretry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/nexpay-go/resilience/durable/temporalretry"
	"github.com/nexpay-go/resilience/retry"
)

// Activities make payments through one Retrier, whose journal all workers share.
type Activities struct {
	retrier *retry.Retrier
	payment func(id string) retry.Operation[string]
}

func (a *Activities) Pay(ctx context.Context, id string) (string, error) {
	return temporalretry.DoOnce(ctx, a.retrier, a.payment(id))
}

// Invoice pays one invoice.
func Invoice(ctx workflow.Context, id string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    3 * time.Minute,  // more than twice Settle, and a send
		ScheduleToCloseTimeout: 24 * time.Hour,   // for as long as somebody waits for it
		HeartbeatTimeout:       20 * time.Second, // a worker that died is found out then
		WaitForCancellation:    true,             // a payment in doubt is no cancellation
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 10 * time.Second},
	})
	var receipt string
	err := workflow.ExecuteActivity(ctx, new(Activities).Pay, id).Get(ctx, &receipt)
	ended, ok := temporalretry.DetailsOf(err)
	switch {
	case err == nil:
		return receipt, nil
	case ok && ended.Reason == "applied":
		return "paid, without a receipt", nil
	case ok && ended.Doubt != nil:
		return "", fmt.Errorf("for a person to find out: %s", ended.Doubt.Text)
	}
	return "", err
}

// The bank's answer is lost. The payment is looked up, and made once.
func Example() {
	r, err := retry.New(retry.Config{Journal: new(retry.MemoryJournal)}) // in production that of sqljournal
	if err != nil {
		fmt.Println(err)
		return
	}
	a := &Activities{r, func(id string) retry.Operation[string] {
		return retry.Operation[string]{
			ID: id,
			Send: func(context.Context) (string, error) {
				fmt.Println("sent")
				return "", errors.New("connection reset before the answer came")
			},
			Verify: func(context.Context) (string, retry.Outcome, error) {
				fmt.Println("looked up")
				return "receipt 4711", retry.Applied, nil
			},
		}
	}}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivity(a)
	env.ExecuteWorkflow(Invoice, "inv-7")
	var receipt string
	fmt.Println(env.GetWorkflowResult(&receipt), receipt)
	// Output:
	// sent
	// looked up
	// <nil> receipt 4711
}
