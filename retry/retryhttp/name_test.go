package retryhttp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// Events, calls and log lines say what was called: never path, query, user, header or body.
func TestLinesNameTheRequest(t *testing.T) {
	for _, tt := range []struct {
		name, method, host          string
		nameOf                      func(*http.Request) string
		wantName, wantMethod, where string
	}{
		{"by default", "POST", "bank.example", nil, "POST bank.example", "POST", "bank.example"},
		{"no method is GET", "", "bank.example", nil, "GET bank.example", "GET", "bank.example"},
		{"a method of their own", "canaryMethod", "bank.example", nil, "other bank.example", "other", "bank.example"},
		{"in small letters", "post", "bank.example", nil, "other bank.example", "other", "bank.example"},
		{"a host written otherwise", "PUT", "Bank.Example.:80", nil, "PUT bank.example", "PUT", "bank.example"},
		{"a port", "PUT", "bank.example:8080", nil, "PUT bank.example:8080", "PUT", "bank.example:8080"},
		{"named", "POST", "bank.example", func(*http.Request) string { return "create\npayment" }, "createpayment", "POST", "bank.example"},
	} {
		for _, once := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, once %v", tt.name, once), func(t *testing.T) {
				n := &nest{}
				var events []retry.Event
				var calls []retry.Call
				note := func(_ context.Context, c retry.Call) { calls = append(calls, c) }
				r := quick(t, retry.Config{
					OnEvent: retry.Observers(n.observe, func(_ context.Context, e retry.Event) { events = append(events, e) }),
					OnCall:  retry.Observers(note, retry.LogCalls(slog.New(slog.NewTextHandler(n, nil)))), OnAttempt: note,
				})
				req := driven(t, t.Context(), "POST")
				req.Method, req.URL.Host, req.URL.User = tt.method, tt.host, url.UserPassword(canaries["key"], canaries["password"])
				req.URL.Path = "/accounts/" + canaries["IBAN"]
				if once {
					req = retryhttp.Once(req, "inv-7", func(context.Context) (*http.Response, retry.Outcome, error) {
						return nil, retry.Undecided, &classify.Error{Status: 403, Details: []classify.Detail{{Code: "80"}}}
					})
				}
				tr := &retryhttp.Transport{
					Base: answers(says(500, `{"errors":[{"code":-32603}]}`)), Retrier: r, AlwaysError: true, Name: tt.nameOf,
				}
				_, err := tr.RoundTrip(req)
				require.Error(t, err)
				n.see(err)
				require.NotEmpty(t, events)
				for _, e := range events {
					require.Equal(t, []string{tt.wantName, tt.wantMethod, tt.where}, []string{e.Name, e.Method, e.Host}, "%v", e.Kind)
				}
				require.GreaterOrEqual(t, len(calls), 2, "an attempt, and the call")
				for _, c := range calls {
					require.Equal(t, []string{tt.wantName, tt.wantMethod, tt.where}, []string{c.Name, c.Method, c.Host})
					n.see(c)
				}
				require.Equal(t, tt.wantName, errorOf(t, err).Name)
				n.clean(t, tt.name)
				require.NotContains(t, n.text.String(), "/accounts")
				require.NotContains(t, n.text.String(), "canary")
			})
		}
	}
}

// A warning says which request it is about, and the calls inside an attempt are not taken
// for the request.
func TestWarningsNameTheRequest(t *testing.T) {
	var told []retry.Event
	note := func(_ context.Context, e retry.Event) { told = append(told, e) }
	inner := quick(t, retry.Config{OnEvent: note})
	tr := &retryhttp.Transport{
		Retrier: quick(t, retry.Config{OnEvent: note}), AlwaysError: true, Base: answers(says(200, "{}")),
		Sign: func(req *http.Request) error {
			return retry.Do(req.Context(), inner, func(context.Context) error { return &classify.Error{Status: 404} }, retry.Endpoint("tokens"))
		},
	}
	req := request(t, "POST", "amount=17")
	req.Header.Set("Idempotency-Key", "inv-7")
	_, err := tr.RoundTrip(req)
	require.Error(t, err)
	require.Equal(t, retry.EventWarning, told[0].Kind)
	require.Equal(t, []string{"POST bank.example", "POST", "bank.example"}, []string{told[0].Name, told[0].Method, told[0].Host})
	require.Equal(t, []string{"", "", "tokens"}, []string{told[1].Name, told[1].Method, told[1].Endpoint})
}

// However many hosts there are, and whoever thinks of them, a name is that of its request.
func TestNamesOfManyHosts(t *testing.T) {
	var last string
	tr := &retryhttp.Transport{Base: answers(says(200, "{}")), Retrier: quick(t, retry.Config{OnCall: func(_ context.Context, c retry.Call) { last = c.Name }})}
	for i := range 600 {
		req := request(t, "GET", "")
		req.URL.Host = fmt.Sprintf("host-%d.example", i%500)
		resp, err := tr.RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, "GET "+req.URL.Host, last)
	}
}

// Who observes pays nothing more than who does not: the name is there already.
func TestNamesAllocateNothing(t *testing.T) {
	var n int
	note := func(_ context.Context, c retry.Call) { n += len(c.Name) }
	off := slog.New(slog.NewTextHandler(new(strings.Builder), &slog.HandlerOptions{Level: slog.LevelWarn}))
	_, quiet := stubbed(t, nil)
	_, observed := stubbed(t, func(tr *retryhttp.Transport) {
		tr.Retrier = quick(t, retry.Config{OnCall: retry.Observers(note, retry.LogCalls(off)), OnEvent: retry.LogEvents(off)})
	})
	req := request(t, "GET", "")
	do(t, observed, req)
	bare := testing.AllocsPerRun(1000, func() { do(t, quiet, req) })
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() { do(t, observed, req) }), bare+1, "Observers makes a closure")
	require.NotZero(t, n)
}

// What an observer logs as JSON has words where there are sets of words.
func TestCallsAreReadableJSON(t *testing.T) {
	text, err := json.Marshal(retry.Call{Reason: "fatal", Class: classify.Fatal, Effect: classify.NotApplied, Outcome: retry.Absent})
	require.NoError(t, err)
	for _, want := range []string{`"Class":"fatal"`, `"Effect":"not applied"`, `"Outcome":"absent"`} {
		require.Contains(t, string(text), want)
	}
}
