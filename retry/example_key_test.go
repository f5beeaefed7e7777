package retry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// shop is an API that keeps idempotency keys: it makes one charge for each key, and its
// first answer gets lost.
func shop() *httptest.Server {
	var mu sync.Mutex
	charges, requests := map[string]int{}, 0
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		key := r.Header.Get("Idempotency-Key")
		if charges[key] == 0 {
			charges[key] = len(charges) + 1
		}
		if requests++; requests == 1 {
			panic(http.ErrAbortHandler)
		}
		_, _ = fmt.Fprintf(w, `{"charge":%d}`, charges[key])
	}))
}

// shopCatalog says what the answers of the shop look like, and how long it keeps keys.
func shopCatalog() (*classify.Catalog, error) {
	catalog, err := classify.NewCatalog("shop",
		classify.Rule{Codes: "card_declined", Name: "Card declined", Class: classify.Fatal, Effect: classify.NotApplied})
	if err != nil {
		return nil, err
	}
	return catalog.WithShape(classify.Shape{
		Code: []string{"$.error.code"}, Message: []string{"$.error.message"}, TraceID: []string{"header:Request-Id"},
		IdempotencyKeys: []string{"Idempotency-Key"}, IdempotentFor: 24 * time.Hour,
	})
}

func shopRetrier() (*retry.Retrier, *classify.Catalog, error) {
	catalog, err := shopCatalog()
	if err != nil {
		return nil, nil, err
	}
	policies, err := policy.Standard().With(policy.Table{Catalog: catalog})
	if err != nil {
		return nil, nil, err
	}
	r, err := retry.New(retry.Config{Policies: policies})
	return r, catalog, err
}

type charge struct{ Charge int }

// charging returns a Send that makes one charge under a key: the same bytes and the same
// key each time, however often it is called.
func charging(catalog *classify.Catalog, url, key string) func(context.Context) (charge, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // net/http itself then repeats nothing
	return func(ctx context.Context) (c charge, err error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"amount":1750}`))
		if err != nil {
			return c, err
		}
		req.GetBody = nil // nor over HTTP/2
		req.Header.Set("Idempotency-Key", key)
		resp, err := client.Do(req)
		if err != nil {
			return c, err
		}
		var answer json.RawMessage
		if err := catalog.ReadJSON(resp, &answer); err != nil {
			return c, err
		}
		return c, json.Unmarshal(answer, &c)
	}
}

// A call with an idempotency key is sent again after doubt, for as long as the API keeps
// the key. Make the key once for each charge, and outside of the function that is
// repeated.
func ExampleResendWithin() {
	api := shop()
	defer api.Close()
	r, catalog, err := shopRetrier()
	if err != nil {
		fmt.Println(err)
		return
	}
	send := charging(catalog, api.URL, "order-7")
	made, err := retry.DoValue(context.Background(), r, send,
		retry.ResendWithin(24*time.Hour, retry.ResendOnProof))
	fmt.Println(made, err)
	// Output: {1} <nil>
}

// With DoOnce the key is the operation's ID. Without a Verify, what is still in doubt
// when the API forgets the key is for a person to find out: retry.ErrOutcomeUnknown.
func ExampleDoOnce_idempotencyKey() {
	api := shop()
	defer api.Close()
	r, catalog, err := shopRetrier() // with a Journal in its Config, it holds over restarts too
	if err != nil {
		fmt.Println(err)
		return
	}
	made, err := retry.DoOnce(context.Background(), r, retry.Operation[charge]{
		ID: "order-7", Send: charging(catalog, api.URL, "order-7"), Idempotent: 24 * time.Hour,
	})
	fmt.Println(made, err)
	// Output: {1} <nil>
}

// With a Verify as well, the key goes first: the API is asked only where sending again
// could not settle it, after the key was forgotten say, or the attempts were used up.
func ExampleDoOnce_idempotencyKeyAndVerify() {
	api := shop()
	defer api.Close()
	r, catalog, err := shopRetrier()
	if err != nil {
		fmt.Println(err)
		return
	}
	made, err := retry.DoOnce(context.Background(), r, retry.Operation[charge]{
		ID: "order-7", Send: charging(catalog, api.URL, "order-7"), Idempotent: 24 * time.Hour,
		Verify: func(context.Context) (charge, retry.Outcome, error) {
			fmt.Println("asked when the key cannot help any more, and not before")
			return charge{}, retry.Undecided, nil
		},
	})
	fmt.Println(made, err)
	// Output: {1} <nil>
}
