package sdks

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twilio/twilio-go/client"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

func twilioCatalog(t *testing.T) *classify.Catalog {
	t.Helper()
	return catalogOf(t, Twilio,
		classify.Rule{Codes: "21211", Name: "invalid number", Class: classify.FixAndResend, Effect: classify.NotApplied},
		classify.Rule{Codes: "20429", Name: "too many requests", Class: classify.Retryable, Effect: classify.NotApplied})
}

// twilioCall is what every call of the SDK comes down to.
func twilioCall(header map[string]any) func(string) func(context.Context) error {
	return func(at string) func(context.Context) error {
		sender := &client.Client{Credentials: client.NewCredentials("AC1", "token")}
		return func(context.Context) error {
			resp, err := sender.SendRequest(http.MethodPost, at+"/2010-04-01/Accounts/AC1/Messages.json", url.Values{"To": {"+1"}}, header)
			if err == nil {
				err = resp.Body.Close()
			}
			return err
		}
	}
}

func TestTwilio(t *testing.T) {
	t.Parallel()
	play(t, twilioCatalog(t), twilioCall(nil), map[string]scene{
		"decline": {
			status: 400, header: map[string]string{"Twilio-Request-Id": "lost"},
			body:   `{"code":21211,"message":"Invalid 'To' Phone Number","more_info":"https://www.twilio.com/docs/errors/21211","status":400}`,
			reason: retry.ErrFixAndResend, verdict: classify.Verdict{Class: classify.FixAndResend, Effect: classify.NotApplied, Code: "21211", Status: 400},
			message: "Invalid 'To' Phone Number", requests: 1,
		},
		"rate limit": { // its Retry-After is lost: the wait is that of the policy
			status: 429, header: map[string]string{"Retry-After": "7"}, body: `{"code":20429,"message":"Too Many Requests","status":429}`,
			reason: retry.ErrAttempts, verdict: classify.Verdict{Class: classify.Retryable, Code: "20429", Status: 429},
			message: "Too Many Requests", requests: 2,
		},
		"unavailable": {
			status: 503, body: `{"message":"Try later","status":503}`,
			reason: retry.ErrAttempts, verdict: classify.Verdict{Class: classify.Retryable, Status: 503}, message: "Try later", requests: 2,
		},
		"a gateway's page": {status: 503, body: page, reason: retry.ErrUnclassified, requests: 1},
	})
}

func TestTwilioV1(t *testing.T) {
	t.Parallel()
	play(t, twilioCatalog(t), twilioCall(map[string]any{"X-Twilio-ApiVersion": "v1.0"}), map[string]scene{
		"decline": {
			status: 400, body: `{"code":21211,"message":"Invalid number","httpStatusCode":400,"userError":true}`,
			reason: retry.ErrFixAndResend, verdict: classify.Verdict{Class: classify.FixAndResend, Effect: classify.NotApplied, Code: "21211", Status: 400},
			message: "Invalid number", requests: 1,
		},
	})
}

// A request of version 1.0 is sent again at once after an answer that cannot be read,
// whatever its method. No option prevents it. The body of a POST is used up by then:
// over a connection that was used before, net/http gets a new one, and all of it goes
// out; over a fresh one the call fails.
func TestTwilioV1SendsTwice(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		var bodies []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			bodies = append(bodies, string(body)) // one after the other
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, page)
		}))
		transport := new(http.Transport) // of its own: nobody else closes its connections
		sender := &client.Client{Credentials: client.NewCredentials("AC1", "token"), HTTPClient: &http.Client{Transport: transport}}
		_, err := sender.SendRequest(method, server.URL, url.Values{"To": {"+1"}}, map[string]any{"X-Twilio-ApiVersion": "v1.0"})
		transport.CloseIdleConnections()
		server.Close()
		require.ErrorContains(t, err, "503")
		want := map[string]string{http.MethodPost: "To=%2B1"}[method]
		require.Equal(t, []string{want, want}, bodies, method)
	}
}

// Below the SDK the header is still there. A POST is not sent again after a 429 there,
// which is no proof: the verdict is right all the same.
func TestTwilioOverRetryHTTP(t *testing.T) {
	t.Parallel()
	server, requests := serve(t, scene{
		status: 429, header: map[string]string{"Retry-After": "7", "Twilio-Request-Id": "RQ1"}, body: `{"code":20429,"message":"Too Many Requests","status":429}`,
	})
	catalog, err := twilioCatalog(t).WithShape(classify.Shape{
		Code: []string{"$.code"}, Message: []string{"$.message"}, TraceID: []string{"header:Twilio-Request-Id"},
	})
	require.NoError(t, err)
	policies, err := policy.New(policy.Table{Catalog: catalog, Default: policy.Policy{MaxRetryAfter: time.Second}})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Policies: policies})
	require.NoError(t, err)
	sender := &client.Client{
		Credentials: client.NewCredentials("AC1", "token"),
		HTTPClient:  &http.Client{Transport: &retryhttp.Transport{Retrier: r, AlwaysError: true}},
	}
	for method, reason := range map[string]error{http.MethodGet: retry.ErrRetryAfter, http.MethodPost: retry.ErrDoubt} {
		requests.Store(0)
		_, err = sender.SendRequest(method, server.URL, url.Values{"To": {"+1"}}, nil)
		var failed *retry.Error
		require.ErrorAs(t, err, &failed)
		require.ErrorIs(t, err, reason)
		require.Equal(t, 7*time.Second, failed.Verdict.RetryAfter)
		require.Equal(t, "RQ1", failed.TraceID)
		require.EqualValues(t, 1, requests.Load())
	}
}
