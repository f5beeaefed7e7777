package classify_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/carry"
)

func shaped(t testing.TB, s classify.Shape, rules ...classify.Rule) *classify.Catalog {
	t.Helper()
	c, err := mustCatalog(t, rules...).WithShape(s)
	require.NoError(t, err)
	return c
}

// Answers as payment APIs give them.
func TestShapes(t *testing.T) {
	card := classify.Shape{Code: []string{"$.error.decline_code", "$.error.code"}, Message: []string{"$.error.message"}, TraceID: []string{"header:Request-Id", "$.request_id"}}
	kraken := classify.Shape{Code: []string{"$.error[*]"}}
	graph := classify.Shape{Code: []string{"$.errors[*].extensions.code", "$.errors[*].message"}, Message: []string{"$.errors[*].message"}}
	lists := classify.Shape{Code: []string{"$.codes[*]"}, Message: []string{"$.texts[*]"}, Data: []string{"$.data"}}
	first := classify.Shape{Code: []string{"$[0].errorCode"}, Message: []string{"$[0].message"}}
	flag := classify.Shape{Code: []string{"$.code"}, Message: []string{"$.msg"}, Success: []classify.Code{"00", "SUCCESS"}}
	deep := classify.Shape{Code: []string{"$.results[*].error.code"}, Message: []string{"$.results[*].error.text"}}
	for name, tt := range map[string]struct {
		shape  classify.Shape
		header http.Header
		body   string
		want   string // the text of the error
		fails  bool   // under 200 as well
		whole  bool   // it can be proof
	}{
		"a decline":           {card, nil, `{"error":{"code":"card_declined","message":"Your card was declined.","type":"card_error"}}`, "HTTP 402: card_declined Your card was declined.", true, true},
		"the first path":      {card, nil, `{"error":{"code":"card_declined","decline_code":"stolen_card"}}`, "HTTP 402: stolen_card", true, true},
		"one that is null":    {card, nil, `{"error":{"code":"card_declined","decline_code":null}}`, "HTTP 402: card_declined", true, true},
		"a header's trace":    {card, http.Header{"Request-Id": {"req_7"}}, `{"error":{"code":"x"},"request_id":"b"}`, "HTTP 402: x (trace req_7)", true, true},
		"a body's trace":      {card, nil, `{"error":{"code":"x"},"request_id":"b"}`, "HTTP 402: x (trace b)", true, true},
		"no code":             {card, nil, `{"error":{"message":"no such charge"}}`, "HTTP 402: no such charge", false, false},
		"twice":               {card, nil, `{"error":{"code":"a"},"error":{"code":"b"}}`, "HTTP 402: no code", true, false},
		"twice the same":      {card, nil, `{"error":{"code":"a","code":"a"}}`, "HTTP 402: no code", true, false},
		"another shape":       {card, nil, `{"errors":[{"code":50}]}`, "HTTP 402", false, false},
		"a list in its way":   {card, nil, `{"error":[{"code":"a"}]}`, "HTTP 402", false, false},
		"no error":            {card, nil, `{"error":null,"id":"ch_1"}`, "HTTP 402", false, false},
		"words in a list":     {kraken, nil, `{"error":["EAPI:Invalid nonce"],"result":{}}`, `HTTP 402: "EAPI:Invalid nonce"`, true, true},
		"an empty list":       {kraken, nil, `{"error":[],"result":{"txid":"a"}}`, "HTTP 402", false, false},
		"several":             {kraken, nil, `{"error":["EAPI:a","EAPI:b"]}`, "HTTP 402: EAPI:a; EAPI:b", true, true},
		"one for a list":      {kraken, nil, `{"error":"EAPI:a"}`, "HTTP 402: EAPI:a", true, false},
		"GraphQL":             {graph, nil, `{"errors":[{"message":"no","extensions":{"code":"FORBIDDEN"}}],"data":null}`, "HTTP 402: FORBIDDEN no", true, true},
		"GraphQL, no code":    {graph, nil, `{"errors":[{"message":"boom"}]}`, "HTTP 402: boom boom", true, true},
		"lists side by side":  {lists, nil, `{"codes":[1,2],"texts":["one","two"],"data":"x"}`, "HTTP 402: 1 one; 2 two", true, true},
		"a list first":        {first, nil, `[{"message":"gone","errorCode":"NOT_FOUND"}]`, "HTTP 402: NOT_FOUND gone", true, true},
		"success, a word":     {flag, nil, `{"code":"SUCCESS","msg":"ok"}`, "HTTP 402: ok", false, false},
		"success, digits":     {flag, nil, `{"code":"00"}`, "HTTP 402", false, false},
		"0 is no success":     {flag, nil, `{"code":0,"msg":"m"}`, "HTTP 402: 0 m", true, true},
		"elements of others":  {classify.Shape{Code: []string{"$.details[*].issue"}}, nil, `{"details":[{"text":"t"}]}`, "HTTP 402: no code", false, false},
		"a batch":             {deep, nil, `{"results":[{"id":1},{"id":2,"error":{"code":"late","text":"too late"}}]}`, "HTTP 402: late too late", true, false},
		"a batch, all failed": {deep, nil, `{"results":[{"id":2,"error":{"code":"late","text":"too late"}}]}`, "HTTP 402: late too late", true, true},
		"a batch, all well":   {deep, nil, `{"results":[{"id":1},{"id":2}]}`, "HTTP 402", false, false},
		"not JSON":            {card, nil, `<html>`, "HTTP 402", false, false},
		"cut in a number":     {flag, nil, `{"code":40`, "HTTP 402", false, false},
		"cut after a code":    {card, nil, `{"error":{"code":"card_declined","mess`, "HTTP 402: card_declined", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := shaped(t, tt.shape)
			e := c.Decode(402, tt.header, []byte(tt.body))
			require.EqualError(t, e, tt.want)
			require.Equal(t, tt.whole, e.Complete())

			resp := response(200, tt.body)
			resp.Header = tt.header
			err := c.ReadJSON(resp, nil)
			_, is := errors.AsType[*classify.Error](err)
			require.Equal(t, tt.fails, is, "under 200: %v", err)

			resp = response(402, tt.body)
			resp.Header = tt.header
			require.EqualError(t, c.FromResponse(resp), tt.want)
		})
	}
}

// The zero Shape, written out, reads what the zero Shape reads.
func TestTheZeroShapeWrittenOut(t *testing.T) {
	c := shaped(t, classify.Shape{Code: []string{"$.errors[*].code"}, Message: []string{"$.errors[*]['message']"}, Data: []string{`$["errors"][*].data`}, TraceID: []string{"$.traceId"}})
	for _, body := range []string{
		``, `{}`, `{"errors":[{"code":50,"message":"m","data":"d"}],"traceId":"5f2c"}`, `{"errors":"boom"}`, `{"errors":[50,null,{"code":7}]}`,
		`{"errors":{"code":50}}`, `{"errors":[{"code":50}],"errors":[{"code":100}]}`, `{"errors":[{"code":50,"code":40}]}`, `{"errors":[{"code":50},{"code":1`,
	} {
		require.Equal(t, classify.Decode(400, nil, []byte(body)), c.Decode(400, nil, []byte(body)), body)
	}
	require.Equal(t, classify.Shape{}, mustCatalog(t).Shape())
}

// What errors have, a success of some APIs has as well: there the status decides.
func TestStatusDecides(t *testing.T) {
	shape := classify.Shape{Code: []string{"$.name"}, Message: []string{"$.message"}, StatusDecides: true}
	const sold = `{"id":"PROD-1","name":"Streaming"}`
	for _, c := range []*classify.Catalog{shaped(t, shape), shaped(t, classify.Shape{StatusDecides: true})} {
		for _, body := range []string{sold, `{"errors":[{"code":7}]}`} {
			for status := 200; status < 300; status++ {
				var v map[string]any
				require.NoError(t, c.ReadJSON(response(status, body), &v), body)
				require.NotEmpty(t, v)
				require.Empty(t, c.Decode(status, nil, []byte(body)).Details)
			}
		}
	}
	c := shaped(t, shape)
	e, ok := c.ReadJSON(response(404, `{"name":"NOT_FOUND","message":"None."}`), nil).(*classify.Error)
	require.True(t, ok)
	require.EqualError(t, e, "HTTP 404: NOT_FOUND None.")
	require.Len(t, c.Decode(0, nil, []byte(sold)).Details, 1, "without a status nobody knows")
	shape.StatusDecides = false
	require.Error(t, shaped(t, shape).ReadJSON(response(200, sold), nil))

	// Of a payment all else is asked that is asked of a success.
	for body, paid := range map[string]bool{sold: true, `[` + sold + `]`: true, `{"name":"x","error":"refused"}`: false, `null`: false, `{"name":`: false} {
		resp := response(200, body)
		resp.ContentLength = int64(len(body))
		resp.Request = (&http.Request{}).WithContext(context.WithValue(t.Context(), carry.PaymentKey{}, true))
		require.Equal(t, paid, c.ReadJSON(resp, nil) == nil, body)
	}
}

// A shape that says nothing of paths keeps those of the zero Shape.
func TestShapeOfHeadersAlone(t *testing.T) {
	c := shaped(t, classify.Shape{RetryAfter: []string{"retry-after-ms"}, IdempotencyKeys: []string{"Idempotency-Key"}, IdempotentFor: time.Hour})
	e := c.Decode(429, http.Header{"Retry-After-Ms": {"1500"}}, []byte(`{"errors":[{"code":50}],"traceId":"5f2c"}`))
	require.EqualError(t, e, "HTTP 429: 50 (trace 5f2c)")
	require.Equal(t, 1500*time.Millisecond, e.RetryAfter)
	require.Equal(t, time.Hour, c.Shape().IdempotentFor)
	more, err := c.With(rule("r", "7"))
	require.NoError(t, err)
	require.Equal(t, c.Shape(), more.Shape(), "rules change nothing of the shape")
	require.Equal(t, c.Shape(), c.Named("other").Shape())
}

func TestShapeReportsEverything(t *testing.T) {
	_, err := mustCatalog(t, rule("known", "OK")).WithShape(classify.Shape{
		Code: []string{"error.code", "$.a..b", "$.a[-1]", "$.a[01]", "$.a[1:2]", "$.a[?@.b]", "$.a-b", "$.a.*", "$['a", `$['\q']`, "$.a[10000]", "$.", "$[*][*][*][*]",
			"$" + strings.Repeat(".a", 17), "$" + strings.Repeat("a", 300)},
		Message:         make([]string, 17),
		TraceID:         []string{"header:", "header:a b", "header:X-Request-Id"},
		RetryAfter:      []string{"retry after", "X-Wait min", "a b s", " ms"},
		Success:         []classify.Code{"", "a\nb", "fine"},
		IdempotencyKeys: []string{"Idempotency-Key:"},
		IdempotentFor:   -1,
	})
	require.Error(t, err)
	for _, want := range []string{
		`Code[0] "error.code", column 1: a path begins with $`,
		`Code[1] "$.a..b", column 5: a name is missing; .. is not supported`,
		`Code[2] "$.a[-1]", column 5: not supported`,
		`Code[3] "$.a[01]", column 5: an index has no leading zero`,
		`Code[4] "$.a[1:2]", column 6: expected ]`,
		`Code[5] "$.a[?@.b]", column 5: not supported`,
		`Code[6] "$.a-b", column 4: put a name with '-' in brackets and quotes`,
		`Code[7] "$.a.*", column 5: .* is not supported`,
		`Code[8] "$['a", column 5: the closing ' is missing`,
		`Code[9] "$['\\q']", column 4: invalid escape`,
		`Code[10] "$.a[10000]", column 5: an index is at most 9999`,
		`Code[11] "$.", column 3: a name is missing`,
		`Code[12] "$[*][*][*][*]", column 11: more than 3 [*]`,
		`Code[13]`, `column 34: more than 16 steps`, `Code[14]`, `longer than 256 bytes`,
		`Message: more than 16`,
		`TraceID[0] "": invalid header name`, `TraceID[1] "a b": invalid header name`,
		`RetryAfter[0] "retry after", column 7: only a unit, ms or s, may follow the name of a header`,
		`RetryAfter[1] "X-Wait min", column 8: only a unit, ms or s, may follow the name of a header`,
		`RetryAfter[2] "a b": invalid header name`, `RetryAfter[3] "": invalid header name`,
		`Success[0] "": invalid code`, `Success[1] "a\nb": invalid code`,
		`IdempotencyKeys[0] "Idempotency-Key:": invalid header name`,
		`IdempotentFor: negative`,
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = mustCatalog(t, rule("known", "OK")).WithShape(classify.Shape{Success: []classify.Code{"OK"}, IdempotencyKeys: []string{"K"}})
	require.ErrorContains(t, err, `Success[0] "OK": there is a rule "known" (code OK)`)
	require.ErrorContains(t, err, `IdempotentFor: required with idempotency keys: for how long the API keeps a key`)
	_, err = mustCatalog(t).WithShape(classify.Shape{IdempotentFor: time.Hour})
	require.ErrorContains(t, err, `IdempotencyKeys: required with a time: the request header that carries the key`)
	_, err = shaped(t, classify.Shape{Success: []classify.Code{"OK"}}).With(rule("known", "OK"))
	require.ErrorContains(t, err, `rule "known" (code OK): this code means success`)
	_, err = shaped(t, classify.Shape{Success: []classify.Code{"OK"}}).With(rule("zero", "0"))
	require.NoError(t, err, "there it says that there is one")
}

// What a caller changes of a Shape, or of what Shape returns, changes no catalog.
func TestShapeKeepsNothingOfTheCaller(t *testing.T) {
	s := classify.Shape{Code: []string{"$.code"}, Success: []classify.Code{"OK"}}
	c := shaped(t, s)
	s.Code[0], s.Success[0] = "changed", "changed"
	c.Shape().Code[0] = "changed"
	require.Equal(t, classify.Shape{Code: []string{"$.code"}, Success: []classify.Code{"OK"}}, c.Shape())
}

func TestRetryAftersRelatives(t *testing.T) {
	c := shaped(t, classify.Shape{RetryAfter: []string{"retry-after-ms", "X-Ms-Retry-After-Ms", "RateLimit", "RateLimit-Reset", "X-RateLimit-Reset", "X-Wait", "X-Wait-Milliseconds", "x_wait_millis", "X-Pause ms", "X-Pause-Ms  s", "gw-ratelimit-reset ms"}})
	for name, tt := range map[string]struct {
		status int
		header map[string]string
		want   time.Duration
	}{
		"milliseconds":              {503, map[string]string{"Retry-After-Ms": "1500"}, 1500 * time.Millisecond},
		"Azure's":                   {503, map[string]string{"X-Ms-Retry-After-Ms": "20"}, 20 * time.Millisecond},
		"the longest":               {503, map[string]string{"Retry-After": "2", "Retry-After-Ms": "1500"}, 2 * time.Second},
		"a fraction":                {503, map[string]string{"Retry-After-Ms": "0.5"}, time.Millisecond},
		"no number":                 {503, map[string]string{"Retry-After-Ms": "soon"}, 0},
		"a negative one":            {503, map[string]string{"Retry-After-Ms": "-5"}, 0},
		"a huge one":                {503, map[string]string{"Retry-After-Ms": "99999999999999999999"}, 10 * 365 * 24 * time.Hour},
		"another name":              {503, map[string]string{"X-Wait": "3"}, 3 * time.Second},
		"written out":               {503, map[string]string{"X-Wait-Milliseconds": "700"}, 700 * time.Millisecond},
		"in another style":          {503, map[string]string{"X_wait_millis": "700"}, 700 * time.Millisecond},
		"with a unit":               {503, map[string]string{"X-Pause": "700"}, 700 * time.Millisecond},
		"with another unit":         {503, map[string]string{"X-Pause-Ms": "7"}, 7 * time.Second},
		"a quota in milliseconds":   {429, map[string]string{"Gw-Ratelimit-Reset": "4000"}, 4 * time.Second},
		"of which something's left": {403, map[string]string{"Gw-Ratelimit-Reset": "4000", "Gw-Ratelimit-Remaining": "1"}, 0},
		"several, joined":           {503, map[string]string{"X-Pause": "700, 900"}, 900 * time.Millisecond},
		"RateLimit":                 {429, map[string]string{"Ratelimit": `"default";r=0;t=30`}, 30 * time.Second},
		"RateLimit, of two":         {429, map[string]string{"Ratelimit": `"a";r=5;t=3600, "b";r=0;t=30`}, 30 * time.Second},
		"RateLimit, who knows":      {429, map[string]string{"Ratelimit": `"a";t=30`}, 30 * time.Second},
		"RateLimit, used up":        {403, map[string]string{"Ratelimit": `"a";r=0;t=30`}, 30 * time.Second},
		"RateLimit, not used up":    {403, map[string]string{"Ratelimit": `"a";r=1;t=30`}, 0},
		"RateLimit, nonsense":       {429, map[string]string{"Ratelimit": `;;=,=`}, 0},
		"RateLimit-Reset":           {429, map[string]string{"Ratelimit-Reset": "7"}, 7 * time.Second},
		"a quota that is not empty": {422, map[string]string{"X-Ratelimit-Reset": "3600", "X-Ratelimit-Remaining": "12"}, 0},
		"a quota nobody counts":     {422, map[string]string{"X-Ratelimit-Reset": "3600"}, 0},
		"a quota that is empty":     {403, map[string]string{"X-Ratelimit-Reset": "3600", "X-Ratelimit-Remaining": "0"}, time.Hour},
	} {
		h := http.Header{}
		for k, v := range tt.header {
			h.Set(k, v)
		}
		e := c.Decode(tt.status, h, nil)
		require.Equal(t, tt.want, e.RetryAfter, name)
		require.Zero(t, mustCatalog(t).Decode(tt.status, without(h, "Retry-After"), nil).RetryAfter, "a catalog reads what its shape says")
	}
	reset := http.Header{"X-Ratelimit-Reset": {"2000000060"}, "Date": {time.Unix(2_000_000_000, 0).UTC().Format(http.TimeFormat)}}
	require.Equal(t, time.Minute, c.Decode(429, reset, nil).RetryAfter, "a time since 1970")
	reset = http.Header{"X-Pause": {"2000000000250"}, "Date": reset["Date"]}
	require.Equal(t, 250*time.Millisecond, c.Decode(429, reset, nil).RetryAfter, "in milliseconds")
	v := c.Classify(c.Decode(403, http.Header{"X-Ratelimit-Reset": {"60"}, "X-Ratelimit-Remaining": {"0"}}, nil))
	require.Equal(t, classify.Retryable, v.Class, "a bare 403 that asks for a wait is a rate limit")
}

func without(h http.Header, name string) http.Header {
	h = h.Clone()
	h.Del(name)
	return h
}

// A text without a code takes nothing from what the status says, or a bare 401 with a sentence in it would be doubt.
func TestABareAnswerWithAText(t *testing.T) {
	c := shaped(t, classify.Shape{Code: []string{"$.error.code"}, Message: []string{"$.message"}})
	e := c.Decode(401, nil, []byte(`{"message":"Bad credentials"}`))
	require.EqualError(t, e, "HTTP 401: Bad credentials")
	require.False(t, e.Complete())
	require.Equal(t, classify.Verdict{Class: classify.Fatal, Effect: classify.NotApplied, Status: 401, Rule: "HTTP 401"}, c.Classify(e))
	e = c.Decode(401, nil, []byte(`{"message":"Bad crede`))
	require.Equal(t, classify.Unknown, c.Classify(e).Effect, "who knows what follows")
}

// Whatever a server sends, and wherever the codes may be in it, little is kept of it.
func TestShapesAreCheap(t *testing.T) {
	c := shaped(t, classify.Shape{
		Code:    []string{"$.errors[*].code", "$.a[*]", "$.errors[*][*].code", "$.traceId"},
		Message: []string{"$.errors[*].message", "$.a[0]"}, TraceID: []string{"$.traceId", "$.a[*]"},
	})
	for name, body := range hostile() {
		t.Run(name, func(t *testing.T) {
			c.Decode(400, nil, []byte(body)) // what is kept for the next one is not its cost
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			e := c.Decode(400, nil, []byte(body))
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<10))
			require.LessOrEqual(t, len(e.Details), 16)
			_ = c.Classify(e)
		})
	}
}
