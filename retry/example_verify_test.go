package retry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

type receipt struct{ ID, State string }

// lookUp returns the Verify of a payment. The catalog has the codes of the API, and its Shape.
func lookUp(catalog *classify.Catalog, client *http.Client, url, id string) func(context.Context) (receipt, retry.Outcome, error) {
	return func(ctx context.Context) (r receipt, _ retry.Outcome, err error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/payments/"+id, nil)
		if err != nil {
			return r, retry.Undecided, err
		}
		req.Header.Set("Cache-Control", "no-cache") // what a cache has is older than the question
		resp, err := client.Do(req)
		if err != nil {
			return r, retry.Undecided, err
		}
		err = catalog.ReadJSON(resp, &r) // closes the body
		answer, refused := err.(*classify.Error)
		switch {
		case err == nil && r.ID == id: // in whatever state: the API has it
			return r, retry.Applied, nil
		case refused && answer.Status == 404 && answer.Complete() && answer.Details[0].Code == "no_such_payment":
			return r, retry.Absent, nil
		}
		return r, retry.Undecided, err
	}
}

// A Verify written by hand, for an API that is not Nexpay's: the answer to the payment is
// lost, and the lookup finds it.
func ExampleOperation_verify() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			panic(http.ErrAbortHandler) // executed, and the answer is lost
		}
		_, _ = io.WriteString(w, `{"id":"inv-7","state":"paid"}`)
	}))
	defer api.Close()
	r, catalog, err := shopRetrier()
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	made, err := retry.DoOnce(context.Background(), r, retry.Operation[receipt]{
		ID: "inv-7",
		Send: func(ctx context.Context) (made receipt, err error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, api.URL+"/payments", strings.NewReader(`{"id":"inv-7"}`))
			if err != nil {
				return made, err
			}
			resp, err := client.Do(req)
			if err != nil {
				return made, err
			}
			return made, catalog.ReadJSON(resp, &made)
		},
		Verify: lookUp(catalog, client, api.URL, "inv-7"),
	})
	fmt.Println(made.State, err)
	// Output: paid <nil>
}

// Only the API's own words decide: what a gateway, a portal or a cache of another payment
// answers is undecided.
func TestLookUpOfTheExample(t *testing.T) {
	_, catalog, err := shopRetrier()
	require.NoError(t, err)
	for _, tt := range []struct {
		status int
		body   string
		want   retry.Outcome
		fails  bool
	}{
		{200, `{"id":"inv-7","state":"rejected"}`, retry.Applied, false},
		{200, `{"id":"inv-8","state":"paid"}`, retry.Undecided, false},
		{200, `<html>log in</html>`, retry.Undecided, true},
		{404, `{"error":{"code":"no_such_payment"}}`, retry.Absent, false},
		{503, `{"error":{"code":"no_such_payment"}}`, retry.Undecided, true},
		{404, `{"error":{"code":"no_such_route"}}`, retry.Undecided, true},
		{404, `<html>not found</html>`, retry.Undecided, true},
	} {
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
		}))
		_, outcome, err := lookUp(catalog, api.Client(), api.URL, "inv-7")(t.Context())
		api.Close()
		require.Equal(t, tt.want, outcome, tt.body)
		require.Equal(t, tt.fails, err != nil, tt.body)
	}
}
