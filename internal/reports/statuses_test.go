package reports_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// Kind F: a 4xx that is no refusal is said to have changed nothing.

// F01, guzzle/guzzle#719, massive-com/client-python#563, google-gemini/gemini-cli#20432: 499 is said by a gateway of its own client, which
// hung up while the API was at it. It is about a request that was under way.
func TestClientClosedRequestIsNoProofThatAPaymentDidNotHappen(t *testing.T) {
	w := serve(t, func(int) string {
		return jsonAnswer(499, `{"errors":[{"code":77,"message":"Request cancelled"}],"traceId":"t1"}`)
	})
	err := payOnce(t, retrier(t, nil), plain(t, nil), func(ctx context.Context) *http.Request { return post(t, w.url()).WithContext(ctx) })
	require.ErrorIs(t, err, retry.ErrOutcomeUnknown, "anything else says that it did not happen")
}

// F03: as F01, without a code, by Do.
func TestClientClosedRequestIsNotSaidToHaveChangedNothing(t *testing.T) {
	err := retry.Do(t.Context(), retrier(t, nil), func(context.Context) error { return classify.Decode(499, nil, nil) })
	require.Equal(t, classify.Unknown, told(t, err).Effect, "%v", err)
}

// Kind G: what the server writes into Retry-After is not understood, so it is asked too early.

func waits(t *testing.T, value string, atLeast, atMost time.Duration) {
	t.Helper()
	d := classify.Decode(503, http.Header{"Retry-After": {value}}, nil).RetryAfter
	require.GreaterOrEqual(t, d, atLeast, "Retry-After: %s", value)
	require.LessOrEqual(t, d, atMost, "Retry-After: %s", value)
}

// G01, OpenFeign/feign#980, restlet/restlet-framework-java#1356, microsoft/dotnet#955: "2.0" where 2 is meant.
func TestRetryAfterWithAPointAndAZero(t *testing.T) { waits(t, "2.0", 2*time.Second, 3*time.Second) }

// G03, urllib3/urllib3#2861, SpaceTradersAPI/api-docs#24: "0.503".
func TestRetryAfterOfHalfASecond(t *testing.T) {
	waits(t, "0.503", 503*time.Millisecond, 2*time.Second)
}

// Kind H: a 4xx with Retry-After says "later" and is taken for "never".

func comesBack(t *testing.T, status int, body string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sends, began := 0, time.Now()
		err := retry.Do(t.Context(), retrier(t, nil), func(context.Context) error {
			if sends++; sends == 1 {
				return classify.Decode(status, http.Header{"Retry-After": {"10"}}, []byte(body))
			}
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, 2, sends)
		require.GreaterOrEqual(t, time.Since(began), 10*time.Second)
	})
}

// H01, nextlyhq/nextly#1561, hivecommons/hive#4674: GitHub limits with 403 and Retry-After; the header tells it from a missing permission.
func TestForbiddenWithRetryAfterIsAskedLater(t *testing.T) {
	comesBack(t, http.StatusForbidden, `{"message":"You have exceeded a secondary rate limit."}`)
}
