package retryhttp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

func Example() {
	sends := 0
	bank := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if sends++; sends == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "17.00 EUR")
	}))
	defer bank.Close()

	r, err := retry.New(retry.Config{}) // share it between all clients of this API
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: &retryhttp.Transport{Retrier: r}}
	defer client.CloseIdleConnections()

	resp, err := client.Get(bank.URL + "/balance")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	balance, err := io.ReadAll(resp.Body)
	fmt.Println(string(balance), err, sends)
	// Output: 17.00 EUR <nil> 2
}

func ExampleTransport_sign() {
	bank := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, "signed: ", r.Header.Get("X-Signature") != "")
	}))
	defer bank.Close()

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
	client := &http.Client{Transport: &retryhttp.Transport{
		Retrier: r,
		Sign: func(req *http.Request) error { // a copy, for this attempt
			ticket, ok := nonce.FromContext(req.Context())
			if !ok {
				return fmt.Errorf("no ticket for the key")
			}
			req.Header.Set("X-Nonce", fmt.Sprint(ticket.Nonce()))
			req.Header.Set("X-Signature", "…") // over nonce, path and body
			return nil
		},
	}}
	defer client.CloseIdleConnections()
	resp, err := client.Get(bank.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	fmt.Println(string(answer), err)
	// Output: signed: true <nil>
}

// A payment whose answer is lost: it is looked up, and not made twice.
func ExampleOnce() {
	paid := 0
	bank := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			paid++
			panic(http.ErrAbortHandler) // executed, and the answer is lost
		}
		_, _ = io.WriteString(w, "inv-7: executed")
	}))
	defer bank.Close()

	r, err := retry.New(retry.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: &retryhttp.Transport{Retrier: r}}
	defer client.CloseIdleConnections()

	lookup := func(ctx context.Context) (*http.Response, retry.Outcome, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, bank.URL+"/payments/inv-7", nil)
		if err != nil {
			return nil, retry.Undecided, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, retry.Undecided, err
		}
		if resp.StatusCode == http.StatusOK { // what the API says of a payment that it knows
			return resp, retry.Applied, nil
		}
		_ = resp.Body.Close()
		return nil, retry.Undecided, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, bank.URL+"/payments", strings.NewReader(`{"id":"inv-7"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := client.Do(retryhttp.Once(req, "inv-7", lookup))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	payment, err := io.ReadAll(resp.Body)
	fmt.Println(string(payment), err, "paid", paid)
	// Output: inv-7: executed <nil> paid 1
}
