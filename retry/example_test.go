package retry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// Wrap a call: a lane for the nonces, a client that signs, and Do around it.
func Example() {
	bank, credentials := nexpaytest.NewKeyed() // in place of the real bank
	defer bank.Close()
	url, err := bank.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	bank.Script(nexpaytest.Fault{Code: "-32603"}, nexpaytest.Fault{Code: "50"})

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
	r, err := retry.New(retry.Config{Nonces: lane})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = retry.Do(context.Background(), r, func(ctx context.Context) error {
		_, err := client.AccountStatus(ctx)
		return err
	})
	fmt.Println(err)
	for _, request := range bank.Requests() {
		fmt.Println(request.Status, request.Code)
	}
	// Output:
	// <nil>
	// 500 -32603
	// 403 50
	// 200
}

// quick waits for nothing between sends, for examples.
func quick() *policy.Set {
	set, err := policy.Nexpay().With(policy.Table{Default: policy.Policy{Backoff: policy.Backoff{Initial: policy.None}}})
	if err != nil {
		panic(err)
	}
	return set
}

func newExample(cfg retry.Config) *retry.Retrier {
	if cfg.Policies == nil {
		cfg.Policies = quick()
	}
	r, err := retry.New(cfg)
	if err != nil {
		panic(err)
	}
	return r
}

// answers returns an operation that gets these answers, then a good one.
func answers(errs ...error) func(context.Context) error {
	return func(context.Context) error {
		if len(errs) == 0 {
			return nil
		}
		err := errs[0]
		errs = errs[1:]
		return err
	}
}

func ExampleDo() {
	r := newExample(retry.Config{})
	err := retry.Do(context.Background(), r, answers(code(500, "-32603"), code(500, "-32603")))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleDoValue() {
	r := newExample(retry.Config{})
	balance, err := retry.DoValue(context.Background(), r, func(context.Context) (string, error) {
		return "17.00 EUR", nil
	})
	fmt.Println(balance, err)
	// Output: 17.00 EUR <nil>
}

// A wrong parameter is corrected and sent again, once.
func ExampleFix() {
	symbol := "BTCUSD"
	op := func(context.Context) error {
		fmt.Println("send", symbol)
		if symbol == "BTCUSD" {
			return &classify.Error{Status: 400, Details: []classify.Detail{{Code: "-32600", Data: "Unknown symbol BTCUSD"}}}
		}
		return nil
	}
	err := retry.Do(context.Background(), newExample(retry.Config{}), op,
		retry.Fix(func(_ context.Context, e *classify.Error) (changed bool, err error) {
			if symbol == "BTC_USD" {
				return false, nil // that was not it
			}
			symbol = "BTC_USD"
			return true, nil
		}))
	fmt.Println(err)
	// Output:
	// send BTCUSD
	// send BTC_USD
	// <nil>
}

// The error of a call says why it ended, what the API said last, and the trace
// id that the API's support asks for.
func ExampleError() {
	r := newExample(retry.Config{})
	err := retry.Do(context.Background(), r, answers(code(403, "80")), retry.Named("payout"))

	var e *retry.Error
	if errors.As(err, &e) {
		fmt.Println(e.Reason)
		fmt.Println(e.Verdict)
		fmt.Println(e.TraceID, e.Attempts)
	}
	var answer *classify.Error
	if errors.As(err, &answer) {
		fmt.Println(answer.Status, answer.Details[0].Code)
	}
	// Output:
	// fatal, not retryable
	// fatal, not applied: No permissions (code 80, HTTP 403)
	// 5f2c 1
	// 403 80
}

// What to do about the end of a call goes by its reason.
func ExampleError_reasons() {
	r := newExample(retry.Config{})
	err := retry.Do(context.Background(), r, answers(code(400, "30010")))
	switch {
	case errors.Is(err, retry.ErrFixAndResend):
		fmt.Println("show the user what is wrong with the order")
	case errors.Is(err, retry.ErrLockedOut), errors.Is(err, retry.ErrFatal):
		fmt.Println("page somebody")
	case errors.Is(err, retry.ErrOpen):
		fmt.Println("the API is down; the error tells when to come back")
	case err != nil:
		fmt.Println("try later")
	}
	// Output: show the user what is wrong with the order
}

func ExampleNamed() {
	r := newExample(retry.Config{})
	err := retry.Do(context.Background(), r, answers(code(403, "70")), retry.Named("account status"))
	var e *retry.Error
	fmt.Println(errors.As(err, &e), e.Name)
	// Output: true account status
}

func ExampleAttemptFrom() {
	r := newExample(retry.Config{})
	failed := answers(code(500, "-32603"), code(403, "50"))
	_ = retry.Do(context.Background(), r, func(ctx context.Context) error {
		if a, ok := retry.AttemptFrom(ctx); ok {
			fmt.Printf("attempt %d, after %v\n", a.Number, a.Verdict.Rule)
		} else {
			fmt.Println("attempt 1")
		}
		return failed(ctx)
	})
	// Output:
	// attempt 1
	// attempt 2, after Internal error
	// attempt 3, after Nonce is not monotonous
}

// One code gets a policy of its own, the rest stays as it is.
func ExampleConfig_policies() {
	policies, err := policy.Nexpay().With(policy.Table{
		Codes: map[classify.Code]policy.Policy{
			"-32603": {MaxAttempts: 2, Backoff: policy.Backoff{Initial: time.Millisecond}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Policies: policies})
	if err != nil {
		fmt.Println(err)
		return
	}
	internal := code(500, "-32603")
	err = retry.Do(context.Background(), r, answers(internal, internal, internal))
	fmt.Println(errors.Is(err, retry.ErrAttempts))
	// Output: true
}

// A breaker leaves the API alone while it is failing, and tells when its state
// changes.
func ExampleConfig_breaker() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "retry_in" {
				return slog.Attr{} // differs from run to run
			}
			return a
		},
	}))
	b, err := breaker.New(breaker.Config{
		Name:                "nexpay",
		ConsecutiveFailures: 3,
		OnStateChange:       breaker.LogChanges(logger),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Policies: policy.Nexpay(), Breaker: b})
	if err != nil {
		fmt.Println(err)
		return
	}
	suspended := code(403, "140") // opens it at once; most failures have to come three in a row
	fmt.Println(retry.Do(context.Background(), r, answers(suspended)) != nil)
	err = retry.Do(context.Background(), r, answers())
	var open *breaker.OpenError
	if errors.As(err, &open) {
		fmt.Println("come back in a few seconds:", open.RetryIn > time.Second)
	}
	// Output:
	// level=WARN msg="breaker: state changed" name=nexpay from=closed to=open reason="140 REST API suspended (trace 5f2c)" refused=0
	// true
	// come back in a few seconds: true
}

// A key that the bank has locked is not hammered: nobody sends with it until a
// person has acted.
func ExampleRetrier_Lockout() {
	r := newExample(retry.Config{Key: "main"})
	ctx := context.Background()
	fmt.Println(errors.Is(retry.Do(ctx, r, answers(code(403, "100"))), retry.ErrFatal))
	fmt.Println(errors.Is(retry.Do(ctx, r, answers()), retry.ErrLockedOut))
	r.Lockout().Unlock("main")
	fmt.Println(retry.Do(ctx, r, answers()))
	// Output:
	// true
	// true
	// <nil>
}

func ExampleLogEvents() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "elapsed" || a.Key == "took" {
				return slog.Attr{} // differs from run to run
			}
			return a
		},
	}))
	r := newExample(retry.Config{OnEvent: retry.LogEvents(logger)})
	_ = retry.Do(context.Background(), r, answers(code(500, "-32603")), retry.Named("balance"))
	// Output:
	// level=WARN msg="retry: resend" name=balance attempts=1 class=retryable rule="Internal error" effect=unknown code=-32603 status=500 trace=5f2c wait=0s error="HTTP 500: -32603 (trace 5f2c)"
	// level=INFO msg="retry: recovered" name=balance attempts=2 class=retryable rule="Internal error" effect=unknown code=-32603 status=500 trace=5f2c
}

// Two retriers that share a budget resend no more than one would.
func ExampleNewBudget() {
	budget, err := retry.NewBudget(retry.BudgetConfig{Capacity: 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := newExample(retry.Config{Budget: budget})
	internal := code(500, "-32603")
	err = retry.Do(context.Background(), r, answers(internal, internal, internal, internal))
	fmt.Println(errors.Is(err, retry.ErrBudget), budget.Tokens())
	// Output: true 0
}

// Any error with a method ErrorCode() int is classified by its code: another
// API is another table.
func ExampleConfig_classifier() {
	catalog, err := classify.NewCatalog("ledger",
		classify.Rule{Codes: "17", Name: "Busy", Class: classify.Retryable},
		classify.Rule{
			Codes: "100..199", Name: "Refused",
			Class: classify.Fatal, Effect: classify.NotApplied,
		},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	waits, err := policy.Standard().With(policy.Table{Default: policy.Policy{Backoff: policy.Backoff{Initial: policy.None}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := newExample(retry.Config{Classifier: catalog, Policies: waits})
	fmt.Println(retry.Do(context.Background(), r, answers(coded(17))))
	fmt.Println(errors.Is(retry.Do(context.Background(), r, answers(coded(123))), retry.ErrFatal))
	// Output:
	// <nil>
	// true
}
