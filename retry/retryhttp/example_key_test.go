package retryhttp_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// A POST with an idempotency key is sent again after doubt, as long as the API keeps the
// key. The catalog says which header that is, and for how long.
func ExampleTransport_idempotencyKey() {
	charges, requests := map[string]bool{}, 0
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		charges[r.Header.Get("Idempotency-Key")] = true
		if requests++; requests == 1 {
			panic(http.ErrAbortHandler) // charged, and the answer is lost
		}
		_, _ = io.WriteString(w, `{"status":"charged"}`)
	}))
	defer shop.Close()

	catalog, err := classify.NewCatalog("shop")
	if err != nil {
		fmt.Println(err)
		return
	}
	catalog, err = catalog.WithShape(classify.Shape{
		Code:            []string{"$.error.code"},
		IdempotencyKeys: []string{"Idempotency-Key"},
		IdempotentFor:   24 * time.Hour, // as the API documents it
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	policies, err := policy.Standard().With(policy.Table{Catalog: catalog})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Policies: policies})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: &retryhttp.Transport{Retrier: r}}
	defer client.CloseIdleConnections()

	req, err := http.NewRequest(http.MethodPost, shop.URL, strings.NewReader(`{"amount":1750}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Idempotency-Key", "order-7") // stored with the order before this line
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, requests, "requests", len(charges), "charge")
	// Output: 200 OK 2 requests 1 charge
}
