package classify_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/carry"
)

const locked = `{"errors":[{"code":100,"message":"API key locked"}],"traceId":"5f2c"`

func packed(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, text)
	require.NoError(t, err)
	require.NoError(t, z.Flush()) // and not closed
	return b.String()
}

// What was read of an answer counts, however the rest was lost: a code in it locks the
// key, whatever the status. As it is a part, it proves nothing.
func TestTornAnswerIsReadAsFarAsItCame(t *testing.T) {
	for name, tt := range map[string]struct{ body, encoding string }{
		"plain":             {locked, ""},
		"packed":            {packed(t, locked), "gzip"},
		"packed, as of old": {packed(t, locked), "X-Gzip"},
		"said to be":        {locked, "gzip"},
	} {
		for _, status := range []int{200, 400, 403, 404, 500, 503} {
			t.Run(fmt.Sprint(name, status), func(t *testing.T) {
				resp := response(status, "")
				resp.Header = http.Header{"Content-Encoding": {tt.encoding}}
				resp.Body.(*body).Reader = io.MultiReader(strings.NewReader(tt.body), iotest.ErrReader(errors.New("reset")))
				err := classify.ReadJSON(resp, new(any))
				require.EqualError(t, err, fmt.Sprintf("HTTP %d: 100 API key locked (trace 5f2c)", status))
				e, ok := errors.AsType[*classify.Error](err)
				require.True(t, ok)
				require.False(t, e.Complete())
				v := classify.Nexpay().Classify(err)
				require.Equal(t, classify.Fatal, v.Class)
				require.Equal(t, classify.Unknown, v.Effect)
				require.True(t, v.Lockout)
				require.True(t, resp.Body.(*body).closed)
			})
		}
	}
}

// A number at the end of what came may go on behind it: a code 10 may have been 100, and
// half a trace id finds another call.
func TestNumberThatMayGoOn(t *testing.T) {
	for cut := range len(locked) {
		e := classify.Decode(403, nil, []byte(locked[:cut]))
		for _, d := range e.Details {
			require.Equal(t, classify.Code("100"), d.Code, locked[:cut])
		}
	}
	for _, text := range []string{`{"traceId":4711`, `{"errors":[],"traceId":-4711`} {
		require.Empty(t, classify.Decode(403, nil, []byte(text)).TraceID)
		require.NotEmpty(t, classify.Decode(403, nil, []byte(text+" ")).TraceID)
		require.NotEmpty(t, classify.Decode(403, nil, []byte(text+"}")).TraceID)
	}
	require.Equal(t, "4711", classify.Decode(403, nil, []byte(`{"traceId":"4711"`)).TraceID, "a word has an end")
}

// An end that nobody announced, and that came when the client had hung up, may be the
// server's farewell: it proves nothing. Any other does.
func TestEndAfterHangingUp(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx    context.Context
		proto  int
		length int64
		proof  bool
	}{
		"chunks, in time":  {t.Context(), 1, -1, true},
		"chunks, too late": {over, 1, -1, false},
		"a length":         {over, 1, 27, true},
		"over HTTP/2":      {over, 2, -1, true},
	} {
		t.Run(name, func(t *testing.T) {
			resp := response(400, `{"errors":[{"code":30010}]}`)
			resp.ProtoMajor, resp.ContentLength, resp.Request = tt.proto, tt.length, new(http.Request).WithContext(tt.ctx)
			err := classify.FromResponse(resp)
			require.EqualError(t, err, "HTTP 400: 30010")
			require.Equal(t, tt.proof, classify.Nexpay().Classify(err).Effect == classify.NotApplied)

			resp = response(200, `{"a":1}`)
			resp.ProtoMajor, resp.ContentLength, resp.Request = tt.proto, tt.length, new(http.Request).WithContext(tt.ctx)
			require.NoError(t, classify.ReadJSON(resp, new(any)), "a success that comes with the cancellation is one")
		})
	}
}

// An empty 2xx that came when the client had hung up does not say that a payment happened: so ends a handler that gives up.
func TestFarewell(t *testing.T) {
	payment := context.WithValue(t.Context(), carry.PaymentKey{}, true)
	over, cancel := context.WithCancel(payment)
	cancel()
	for name, tt := range map[string]struct {
		ctx    context.Context
		proto  int
		body   string
		proves bool
	}{
		"in time":           {payment, 1, "", true},
		"too late":          {over, 1, "", false},
		"too late, blanks":  {over, 1, " ", true},
		"too late, a value": {over, 1, `{"id":7}`, true},
		"over HTTP/2":       {over, 2, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			resp := response(200, tt.body)
			resp.ProtoMajor, resp.ContentLength, resp.Request = tt.proto, int64(len(tt.body)), new(http.Request).WithContext(tt.ctx)
			err := classify.ReadJSON(resp, nil)
			require.Equal(t, tt.proves, err == nil, "%v", err)
			if err != nil {
				require.Equal(t, classify.Retryable, classify.Nexpay().Classify(err).Class)
				require.Equal(t, classify.Unknown, classify.Nexpay().Classify(err).Effect)
			}
		})
	}
}
