package retryhttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// finish makes the payments that a crash left open once more: each is looked up before it
// is sent. request returns a payment's request, with Once and its ID as the first time.
func finish(ctx context.Context, client *http.Client, journal retry.PendingJournal, request func(id string) (*http.Request, error)) error {
	var errs []error
	for entry, err := range journal.Pending(ctx) {
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		req, err := request(entry.ID)
		if err == nil {
			var resp *http.Response
			if resp, err = client.Do(req); err == nil {
				err = resp.Body.Close() // it happened: book it
			}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// A ledger is an API in virtual time.
type ledger map[string]int // how often each payment was made

func (l ledger) RoundTrip(req *http.Request) (*http.Response, error) {
	id := req.Header.Get("Payment")
	if req.Method == http.MethodGet {
		id = strings.TrimPrefix(req.URL.Path, "/payments/")
	} else {
		l[id]++
	}
	status, body := http.StatusOK, `{"id":"`+id+`"}`
	if l[id] == 0 {
		status, body = http.StatusNotFound, `{"error":{"code":"no_such_payment"}}`
	}
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: req,
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

// Of two payments that a crash left open one was made, and one was not: each is made once.
func TestFinishOfTheExample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, journal := ledger{"inv-7": 1}, new(retry.MemoryJournal)
		_, catalog, err := acme()
		require.NoError(t, err)
		policies, err := acmePolicies(catalog)
		require.NoError(t, err)
		r, err := retry.New(retry.Config{Policies: policies, Journal: journal})
		require.NoError(t, err)
		client := &http.Client{Transport: &retryhttp.Transport{Retrier: r, Base: api}}
		crash := func(id string) {
			_, err := journal.Begin(t.Context(), retry.Entry{ID: id, State: retry.EntryOpen, At: time.Now(), Takes: time.Second})
			require.NoError(t, err)
		}
		post := func(ctx context.Context, id string) (*http.Request, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://api.test/payments", nil)
			if err == nil {
				req.Header.Set("Payment", id)
			}
			return req, err
		}
		crash("inv-7")
		crash("inv-8")
		require.NoError(t, finish(t.Context(), client, journal, func(id string) (*http.Request, error) {
			req, err := post(t.Context(), id)
			return retryhttp.Once(req, id, lookUp(catalog, client, "http://api.test", id)), err
		}))
		require.Equal(t, ledger{"inv-7": 1, "inv-8": 1}, api)
		for e := range journal.Pending(t.Context()) {
			t.Errorf("%s is open", e.ID)
		}

		// Inside retry.Recover the request would be part of that call, which looks up and sends itself.
		crash("inv-9")
		ended, err := retry.Recover(t.Context(), r, journal, func(e retry.Entry) (retry.Operation[*http.Response], bool) {
			return retry.Operation[*http.Response]{
				ID: e.ID, Verify: lookUp(catalog, client, "http://api.test", e.ID),
				Send: func(ctx context.Context) (*http.Response, error) {
					req, err := post(ctx, e.ID)
					require.NoError(t, err)
					return client.Do(req)
				},
			}, true
		})
		require.NoError(t, err)
		require.ErrorContains(t, ended[0].Err, "this request is not safe to repeat")
		require.Zero(t, api["inv-9"])
	})
}
