package retryhttp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// lookUp returns the lookup of a payment, for Once. The catalog has the codes of the API, and its Shape.
func lookUp(catalog *classify.Catalog, client *http.Client, url, id string) func(context.Context) (*http.Response, retry.Outcome, error) {
	return func(ctx context.Context) (*http.Response, retry.Outcome, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/payments/"+id, nil)
		if err != nil {
			return nil, retry.Undecided, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, retry.Undecided, err
		}
		var body json.RawMessage
		var found struct{ ID string }
		err = catalog.ReadJSON(resp, &body) // closes the body
		answer, refused := err.(*classify.Error)
		switch {
		case err == nil && json.Unmarshal(body, &found) == nil && found.ID == id: // in whatever state: the API has it
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			return resp, retry.Applied, nil
		case refused && answer.Status == 404 && answer.Complete() && answer.Details[0].Code == "no_such_payment":
			return nil, retry.Absent, nil
		}
		return nil, retry.Undecided, err
	}
}

func acme() (*retry.Retrier, *classify.Catalog, error) {
	catalog, err := classify.NewCatalog("acme",
		classify.Rule{Codes: "no_such_payment", Name: "No such payment", Class: classify.Fatal, Effect: classify.NotApplied})
	if err != nil {
		return nil, nil, err
	}
	if catalog, err = catalog.WithShape(classify.Shape{Code: []string{"$.error.code"}}); err != nil {
		return nil, nil, err
	}
	policies, err := acmePolicies(catalog)
	if err != nil {
		return nil, nil, err
	}
	r, err := retry.New(retry.Config{Policies: policies})
	return r, catalog, err
}

func acmePolicies(catalog *classify.Catalog) (*policy.Set, error) {
	return policy.Standard().With(policy.Table{Catalog: catalog})
}

// A lookup written by hand: the answer to the payment is lost, and the lookup finds it.
func ExampleOnce_lookup() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			panic(http.ErrAbortHandler) // executed, and the answer is lost
		}
		_, _ = io.WriteString(w, `{"id":"inv-7","state":"paid"}`)
	}))
	defer api.Close()
	r, catalog, err := acme()
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: &retryhttp.Transport{Retrier: r}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, api.URL+"/payments", strings.NewReader(`{"id":"inv-7"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := client.Do(retryhttp.Once(req, "inv-7", lookUp(catalog, client, api.URL, "inv-7")))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	payment, err := io.ReadAll(resp.Body)
	fmt.Println(string(payment), err)
	// Output: {"id":"inv-7","state":"paid"} <nil>
}

// Only the API's own words decide: what a gateway or a portal answers is undecided.
func TestLookUpOfTheExample(t *testing.T) {
	r, catalog, err := acme()
	require.NoError(t, err)
	for _, tt := range []struct {
		status int
		body   string
		want   retry.Outcome
		fails  bool
	}{
		{200, `{"id":"inv-7","state":"rejected"}`, retry.Applied, false},
		{200, `{"id":"inv-8"}`, retry.Undecided, false},
		{200, `<html>log in</html>`, retry.Undecided, true},
		{404, `{"error":{"code":"no_such_payment"}}`, retry.Absent, false},
		{404, `{"error":{"code":"no_such_route"}}`, retry.Undecided, true},
		{404, `<html>not found</html>`, retry.Undecided, true},
	} {
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
		}))
		client := &http.Client{Transport: &retryhttp.Transport{Retrier: r}}
		_, outcome, err := lookUp(catalog, client, api.URL, "inv-7")(t.Context())
		client.CloseIdleConnections()
		api.Close()
		require.Equal(t, tt.want, outcome, tt.body)
		require.Equal(t, tt.fails, err != nil, tt.body)
	}
}
