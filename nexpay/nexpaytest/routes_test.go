package nexpaytest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

const ownPath = "/api/1/own"

// A route of the user's own is reached by what passes the checks, and by nothing
// else.
func TestOwnRoute(t *testing.T) {
	b := bank(t, nexpaytest.Config{})
	c := inProcess(t, b, someKey.Credentials())
	type asked struct {
		key    string
		params nexpay.Form
	}
	var calls []asked
	answer := nexpaytest.Fault{}
	b.AddRoute(nexpaytest.Route{Method: "GET", Path: ownPath, Answer: func(key string, params nexpay.Form) nexpaytest.Fault {
		require.Empty(t, b.Payments(), "it may use the bank")
		calls = append(calls, asked{key, params})
		return answer
	}})

	require.NoError(t, c.call(t.Context(), "GET", ownPath, form("b", "x y", "a", "&"), nil))
	require.Equal(t, []asked{{"k", form("b", "x y", "a", "&")}}, calls)
	require.Equal(t, 200, last(b).Status)
	require.False(t, last(b).Executed)

	answer = nexpaytest.Fault{Body: []byte(`{"n":1}`)}
	var got struct{ N int }
	require.NoError(t, c.call(t.Context(), "GET", ownPath, nil, &got))
	require.Equal(t, 1, got.N)

	answer = nexpaytest.Fault{Code: "30010", Data: "a", RetryAfter: "3"}
	is, status := code(c.call(t.Context(), "GET", ownPath, nil, nil))
	require.EqualValues(t, "30010", is)
	require.Equal(t, 400, status)
	require.EqualValues(t, "30010", last(b).Code)

	answer = nexpaytest.Fault{Status: 42}
	_, status = code(c.call(t.Context(), "GET", ownPath, nil, nil))
	require.Equal(t, 500, status, "what cannot be sent")

	require.Len(t, calls, 4)
	_, status = code(c.call(t.Context(), "POST", ownPath, nil, nil))
	require.Equal(t, 405, status)
	b.Script(nexpaytest.Fault{Status: 503})
	_, status = code(c.call(t.Context(), "GET", ownPath, nil, nil))
	require.Equal(t, 503, status, "a fault keeps it from being called")
	c.n = 0
	is, _ = code(c.call(t.Context(), "GET", ownPath, nil, nil))
	require.EqualValues(t, "50", is)
	require.Len(t, calls, 4)
}

func TestOwnRouteOfAPost(t *testing.T) {
	for _, c := range []func(*testing.T, *nexpaytest.Bank, nexpay.Credentials) *caller{inProcess, overTCP} {
		b := bank(t, nexpaytest.Config{})
		var got nexpay.Form
		b.AddRoute(nexpaytest.Route{Method: "POST", Path: paymentsPath, Answer: func(_ string, params nexpay.Form) nexpaytest.Fault {
			got = params
			return nexpaytest.Fault{Status: 202, Body: []byte(`{"queued":true}`)}
		}})
		client := c(t, b, someKey.Credentials())
		require.NoError(t, client.call(t.Context(), "POST", paymentsPath, form("a", "b c"), new(any)), "in place of the bank's own")
		require.Equal(t, form("a", "b c"), got)
		require.Equal(t, 202, last(b).Status)
		require.Empty(t, b.Payments())
	}
	other := bank(t, nexpaytest.Config{})
	require.NoError(t, inProcess(t, other, someKey.Credentials()).call(t.Context(), "POST", paymentsPath, full, new(any)), "a route is one bank's")
}

// Answers run at the same time, and nothing waits for them.
func TestOwnRouteHoldsNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bank(t, nexpaytest.Config{})
		b.AddRoute(nexpaytest.Route{Method: "GET", Path: ownPath, Answer: func(string, nexpay.Form) nexpaytest.Fault {
			time.Sleep(time.Minute)
			return nexpaytest.Fault{}
		}})
		start := time.Now()
		var calls sync.WaitGroup
		for n := range uint64(3) {
			calls.Go(func() {
				c := inProcess(t, b, someKey.Credentials())
				time.Sleep(time.Duration(n) * time.Second)
				c.n = n
				if err := c.call(t.Context(), "GET", ownPath, nil, nil); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(10 * time.Second)
		require.Len(t, b.Requests(), 3)
		calls.Wait()
		require.Equal(t, time.Minute+2*time.Second, time.Since(start))
		for _, r := range b.Requests() {
			require.Equal(t, 200, r.Status)
		}
	})
}

// A panic of the user's leaves the bank as it was.
func TestOwnRouteThatPanics(t *testing.T) {
	b := bank(t, nexpaytest.Config{})
	c := inProcess(t, b, someKey.Credentials())
	b.AddRoute(nexpaytest.Route{Method: "GET", Path: ownPath, Answer: func(string, nexpay.Form) nexpaytest.Fault { panic("oh") }})
	require.PanicsWithValue(t, "oh", func() { _ = c.call(t.Context(), "GET", ownPath, nil, nil) })
	require.NoError(t, c.call(t.Context(), "GET", statusPath, nil, new(any)))
	b.Close()
}

func TestAddRoutePanics(t *testing.T) {
	b := bank(t, nexpaytest.Config{})
	answer := func(string, nexpay.Form) nexpaytest.Fault { return nexpaytest.Fault{} }
	for _, r := range []nexpaytest.Route{
		{}, {Path: ownPath, Answer: answer}, {Method: "GET", Answer: answer}, {Method: "GET", Path: "own", Answer: answer}, {Method: "GET", Path: ownPath},
	} {
		require.Panics(t, func() { b.AddRoute(r) })
	}
	require.NotPanics(t, func() { b.AddRoute(nexpaytest.Route{Method: http.MethodGet, Path: ownPath, Answer: answer}) }, "no lock is left behind")
}

// Every route that public clients call is there: whatever it answers, it is not
// the bare 404 of a path that nobody knows.
func TestRoutesOfPublicClients(t *testing.T) {
	b, credentials := nexpaytest.NewKeyed()
	c := inProcess(t, b, credentials)
	for _, call := range []string{
		"GET /api/1/eurowallet/status", "GET /api/1/eurowallet/deposit-details", "GET /api/1/eurowallet/payments/history",
		"GET /api/1/eurowallet/payments/commission", "GET /api/1/eurowallet/payments/status", "GET /api/1/nexpay/payments",
		"GET /api/1/eurowallet/batch/status", "GET /api/1/eurowallet/batch/payments/statuses",
		"POST /api/1/eurowallet/payments", "POST /api/2/eurowallet/payments",
		"POST /api/2/eurowallet/payments/reschedule", "POST /api/2/eurowallet/payments/cancel-scheduled",
	} {
		method, path, _ := strings.Cut(call, " ")
		var answer json.RawMessage
		err := c.call(t.Context(), method, path, nil, &answer)
		if v := classify.Nexpay().Classify(err); err != nil {
			require.NotZero(t, v.Code, path)
		}
	}
}
