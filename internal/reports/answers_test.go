package reports_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// Kind B: an "errors" that says there are none.

func noErrorIn(t *testing.T, body string) {
	t.Helper()
	var answer map[string]any
	require.NoError(t, classify.ReadJSON(response(200, nil, body), &answer), body)
	require.NotEmpty(t, answer)
}

// B01, Elasticsearch's _bulk (elastic/elasticsearch-js#314, open-telemetry/opentelemetry-cpp#4297): "errors" is a boolean, and false
// is how a success looks.
func TestErrorsFalseIsASuccess(t *testing.T) {
	noErrorIn(t, `{"took":30,"errors":false,"items":[{"index":{"_id":"1","status":201}}]}`)
}

// B03, bcoin-org/bcurl#10: an empty text.
func TestErrorsEmptyTextIsASuccess(t *testing.T) {
	noErrorIn(t, `{"errors":"","result":{"paymentId":"7"}}`)
}

// B05: through Once: a payment that was made must not become one of which nobody knows.
func TestPaymentAnsweredWithErrorsFalseIsMade(t *testing.T) {
	w := serve(t, func(int) string { return jsonAnswer(200, `{"paymentId":"7","errors":false}`) })
	resp, err := through(t, retrier(t, nil), nil).Do(once(post(t, w.url())))
	require.NoError(t, err)
	_ = resp.Body.Close()
}

// Kind C: a 2xx that does not say that the payment was made is taken for one that does.

func notMade(t *testing.T, answer string) {
	t.Helper()
	w := serve(t, func(int) string { return answer })
	resp, err := through(t, retrier(t, nil), nil).Do(once(post(t, w.url())))
	if err == nil {
		_ = resp.Body.Close()
	}
	require.Error(t, err, "nil says that the payment was made")
}

// C01, ccxt/ccxt#5846 and #253, askmike/gekko#1907: Kraken refuses with HTTP 200 and a list of texts in "error".
func TestPaymentRefusedInTheMemberErrorUnder200IsNotMade(t *testing.T) {
	notMade(t, jsonAnswer(200, `{"error":["EAPI:Invalid nonce"]}`))
}

// C03, activemerchant/active_merchant#1619 ("an empty response is deemed a success? That seems a little backwards"): a head without a
// length, and then the connection ends. Nobody can tell whether that was all (RFC 9112, section 8).
func TestPaymentWhoseAnswerEndsBehindItsHeadIsNotMade(t *testing.T) {
	notMade(t, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
}

// Kind D: an answer that will be the same next time is sent for again, and held against the server.

// asked makes one call whose answer never changes, and counts the sends.
func asked(t *testing.T, status int, body string, into any) {
	t.Helper()
	var sends atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sends.Add(1)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	b := touchy(t)
	c := plain(t, nil)
	_ = retry.Do(t.Context(), retrier(t, b), func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
		require.NoError(t, err)
		resp, err := c.Do(req)
		if err != nil {
			return err
		}
		return classify.ReadJSON(resp, into)
	})
	require.EqualValues(t, 1, sends.Load(), "the same answer would come again")
	require.Equal(t, breaker.Closed, b.State(), "the server answers, quickly and whole: that is no failure of its")
}

// D01, temporalio/sdk-java#2346 ("received message larger than max (5243998 vs. 4194304)", retried for ever), grpc/grpc#10612.
func TestAnswerThatIsTooLongIsNotFetchedAgain(t *testing.T) {
	var history struct{ Payments string }
	asked(t, 200, `{"payments":"`+strings.Repeat("x", 5_243_998)+`"}`, &history)
}

// D03, googleapis/google-api-go-client#195, dghubble/sling#31, google/go-github#250: 204 says that there is no content.
func TestNoContentIsNotFetchedAgain(t *testing.T) {
	var pending []string
	asked(t, http.StatusNoContent, "", &pending)
}

// Kind J: the trace id that the server wrote is lost.

// J01, dotnet/aspnetcore#18610, khellang/Middleware#72: ASP.NET Core 3 puts "|span.parent." into traceId.
func TestTraceIDOfASPNETCoreIsKept(t *testing.T) {
	const id = "|38aae7dd-4ebae92ac80ddb5c."
	e := classify.Decode(400, nil, []byte(`{"type":"https://tools.ietf.org/html/rfc7231#section-6.5.1","status":400,"traceId":"`+id+`","errors":[{"code":30010}]}`))
	require.Equal(t, id, e.TraceID, "support cannot look for what was left out")
}
