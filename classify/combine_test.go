package classify_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

func answer(status int, codes ...classify.Code) *classify.Error {
	e := &classify.Error{Status: status}
	for _, c := range codes {
		e.Details = append(e.Details, classify.Detail{Code: c})
	}
	return e
}

// coded is what other client libraries return.
type coded int

func (c coded) Error() string  { return fmt.Sprint("code ", int(c)) }
func (c coded) ErrorCode() int { return int(c) }

// asking answers errors.As by itself, and wraps nothing.
type asking struct{ e *classify.Error }

func (asking) Error() string { return "asking" }
func (a asking) As(target any) bool {
	p, ok := target.(**classify.Error)
	if ok {
		*p = a.e
	}
	return ok
}

type verdict struct {
	class  classify.Class
	effect classify.Effect
	code   classify.Code
	rule   string
}

func check(t *testing.T, want verdict, err error) {
	t.Helper()
	v := classify.Nexpay().Classify(err)
	require.Equal(t, want, verdict{v.Class, v.Effect, v.Code, v.Rule}, "%v", err)
}

func TestStatusRows(t *testing.T) {
	for _, tt := range []struct {
		statuses []int
		class    classify.Class
		effect   classify.Effect
	}{
		{[]int{400, 422}, classify.FixAndResend, classify.NotApplied},
		{[]int{401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 413, 414, 415, 416, 417}, classify.Fatal, classify.NotApplied},
		{[]int{423, 424, 426, 428, 431, 451}, classify.Fatal, classify.NotApplied},
		{[]int{409, 418, 419, 420, 427, 430, 440, 444, 450, 452, 460, 494, 498, 499}, classify.Fatal, classify.Unknown},
		{[]int{421}, classify.Retryable, classify.NotApplied},
		{[]int{408, 425, 429, 500, 502, 503, 504, 520, 599}, classify.Retryable, classify.Unknown},
		{[]int{501, 505, 300, 302, 304, 307, 399}, classify.Fatal, classify.Unknown},
		{[]int{200, 201, 299}, classify.Retryable, classify.Unknown},
		{[]int{100, 101, 199}, classify.Unclassified, classify.Unknown},
	} {
		for _, status := range tt.statuses {
			want := verdict{tt.class, tt.effect, "", fmt.Sprint("HTTP ", status)}
			check(t, want, answer(status))
			// A code that no rule knows, or that nobody could read, may say that it happened before.
			check(t, verdict{want.class, classify.Unknown, "7", want.rule}, answer(status, "7"))
			check(t, verdict{want.class, classify.Unknown, "", want.rule}, answer(status, ""))
		}
	}
	for _, status := range []int{-1, 1, 99, 600, 999} {
		check(t, verdict{rule: "invalid HTTP status"}, answer(status))
	}
	check(t, verdict{}, answer(0))
}

// Under a status that is no refusal by itself a rule for the code decides all the same.
func TestARuleDecidesUnderAnOddStatus(t *testing.T) {
	for _, status := range []int{409, 419, 499} {
		check(t, verdict{classify.Fatal, classify.NotApplied, "100", "API key locked"}, answer(status, "100"))
		check(t, verdict{classify.Fatal, classify.Unknown, "100", "API key locked"}, answer(status, "100", "7"))
	}
}

// A bare 4xx that says when to come back says "later"; with a code, the code decides.
func TestLaterIsNotNever(t *testing.T) {
	later := func(status int, codes ...classify.Code) classify.Verdict {
		e := answer(status, codes...)
		e.RetryAfter = 10 * time.Second
		return classify.Nexpay().Classify(e)
	}
	for status := 400; status < 500; status++ {
		bare, v := classify.Nexpay().Classify(answer(status)), later(status)
		require.Equal(t, classify.Retryable, v.Class, status)
		require.Equal(t, bare.Effect, v.Effect, status)
		require.Equal(t, 10*time.Second, v.RetryAfter, status)
	}
	require.Equal(t, classify.Retryable, later(403, "").Class, "a message without a code is bare")
	require.Equal(t, classify.Fatal, later(403, "100").Class)
	require.Equal(t, classify.Fatal, later(403, "7").Class, "a code of the API's, if one that no rule knows")
	require.Equal(t, classify.Fatal, later(302).Class)
	require.Equal(t, classify.Fatal, later(501).Class)
	for _, v := range []classify.Verdict{later(403, "100"), later(302), later(501)} {
		require.NotContains(t, v.String(), "retry after", "no wait helps")
	}
}

func TestSeveralCodesInOneAnswer(t *testing.T) {
	const yes, no = classify.NotApplied, classify.Unknown
	for _, tt := range []struct {
		err  *classify.Error
		want verdict
	}{
		{answer(403, "50", "10"), verdict{classify.Fatal, yes, "10", "Missing API key"}},
		{answer(403, "10", "50"), verdict{classify.Fatal, yes, "10", "Missing API key"}},
		{answer(403, "10", "20"), verdict{classify.Fatal, yes, "10", "Missing API key"}},
		{answer(403, "10", "100"), verdict{classify.Fatal, yes, "100", "API key locked"}},
		{answer(400, "30010", "50"), verdict{classify.FixAndResend, yes, "30010", "Invalid request parameter"}},
		{answer(403, "130", "50"), verdict{classify.Resync, yes, "50", "Nonce is not monotonous"}},
		{answer(400, "-32603", "50"), verdict{classify.Resync, no, "50", "Nonce is not monotonous"}},
		{answer(403, "50", "7"), verdict{classify.Fatal, no, "7", "HTTP 403"}},
		{answer(503, "50", "7"), verdict{classify.Resync, no, "50", "Nonce is not monotonous"}},
		{answer(403, "", "50"), verdict{classify.Resync, no, "50", "Nonce is not monotonous"}},
		{answer(0, "50"), verdict{classify.Resync, yes, "50", "Nonce is not monotonous"}},
		{answer(0, "50", "7"), verdict{classify.Unclassified, no, "7", ""}},
		{answer(0, "30010", "7"), verdict{classify.FixAndResend, no, "30010", "Invalid request parameter"}},
		{answer(429, "30010"), verdict{classify.FixAndResend, no, "30010", "Invalid request parameter"}},
		{answer(302, "50"), verdict{classify.Resync, no, "50", "Nonce is not monotonous"}},
		{answer(200, "100"), verdict{classify.Fatal, no, "100", "API key locked"}},
		{answer(200, "7"), verdict{classify.Retryable, no, "7", "HTTP 200"}},
		{answer(400, make([]classify.Code, 17)...), verdict{classify.FixAndResend, no, "", "HTTP 400"}},
	} {
		check(t, tt.want, tt.err)
	}
	require.True(t, classify.Nexpay().Classify(answer(200, "130", "100")).Lockout)

	crowd := answer(403)
	for range 17 {
		crowd.Details = append(crowd.Details, classify.Detail{Code: "50"})
	}
	check(t, verdict{classify.Resync, no, "50", "Nonce is not monotonous"}, crowd)
}

func TestWhoseOpinionCounts(t *testing.T) {
	locked := verdict{classify.Fatal, classify.NotApplied, "100", "API key locked"}
	resync := verdict{classify.Resync, classify.NotApplied, "50", "Nonce is not monotonous"}
	unsure := func(v verdict) verdict { v.effect = classify.Unknown; return v }
	wrap := func(err error) error { return fmt.Errorf("while paying: %w", err) }
	odd := errors.New("odd")
	var none *classify.Error
	mistake := verdict{classify.Fatal, classify.NotApplied, "", "not sent: mistake in the program"}

	for _, tt := range []struct {
		name string
		err  error
		want verdict
	}{
		{"nil", nil, verdict{}},
		{"typed nil", none, verdict{}},
		{"unrecognised", wrap(odd), verdict{}},
		{"answer, wrapped", wrap(wrap(answer(403, "100"))), locked},
		{"answer found by As", wrap(asking{answer(403, "100")}), locked},
		{"code, wrapped", wrap(coded(100)), locked},
		{"unknown code", coded(7), verdict{code: "7"}},
		{"code 0 is none", coded(0), verdict{}},
		{"undecodable", wrap(classify.Undecodable(odd)), verdict{classify.Retryable, classify.Unknown, "", "unreadable answer"}},
		{"undecodable before connection", classify.Undecodable(io.ErrUnexpectedEOF), verdict{classify.Retryable, classify.Unknown, "", "unreadable answer"}},
		{"cancelled while reading", classify.Undecodable(context.Canceled), verdict{rule: "canceled"}},
		{"answer before undecodable", classify.Undecodable(answer(403, "100")), locked},

		{"not sent", wrap(notSent{yes: true}), mistake},
		{"not sent, because of something odd", notSent{true, odd}, mistake},
		{"not sent, it says no", notSent{yes: false}, verdict{}},
		{"not sent, out of an HTTP exchange", &url.Error{Op: "Get", Err: notSent{yes: true}}, unnamed},
		{"not sent, after something was read", &net.OpError{Op: "read", Err: notSent{yes: true}}, failed},
		{"not sent, because the connection failed", notSent{true, io.EOF}, failed},
		{"not sent, around an answer", notSent{true, answer(403, "50")}, resync},
		{"not sent, cancelled", notSent{true, context.Canceled}, verdict{rule: "canceled"}},
		{"not sent, twice", errors.Join(notSent{yes: true}, notSent{yes: true}), mistake},
		{"not sent, joined with unrecognised", errors.Join(notSent{yes: true}, odd), unsure(mistake)},

		{"joined with unrecognised", errors.Join(answer(403, "50"), odd), unsure(resync)},
		{"joined, both refused", errors.Join(answer(403, "50"), coded(100)), locked},
		{"joined, one in doubt", errors.Join(answer(403, "50"), io.EOF), unsure(resync)},
		{"joined, cancelled", errors.Join(answer(403, "50"), context.Canceled), verdict{rule: "canceled"}},
		{"joined, unrecognised", errors.Join(odd, odd), verdict{}},
		{"joined below a wrapper", wrap(errors.Join(wrap(answer(403, "50")), errors.Join(answer(403, "100")))), locked},
		{"code above joined answers", wrapCoded{100, errors.Join(answer(403, "50"), answer(403, "50"))}, resync},
		{"code above joined strangers", wrapCoded{100, errors.Join(odd, odd)}, locked},
	} {
		t.Run(tt.name, func(t *testing.T) { check(t, tt.want, tt.err) })
	}
}

type notSent struct {
	yes bool
	err error
}

func (n notSent) Error() string { return "not sent" }
func (n notSent) Unwrap() error { return n.err }
func (n notSent) NotSent() bool { return n.yes }

type wrapCoded struct {
	coded
	err error
}

func (w wrapCoded) Unwrap() error { return w.err }

func TestLongestWaitOfJoinedErrors(t *testing.T) {
	v := classify.Nexpay().Classify(errors.Join(
		&classify.Error{Status: 503, RetryAfter: time.Minute}, &classify.Error{Status: 429, RetryAfter: time.Second}))
	require.Equal(t, time.Minute, v.RetryAfter)
	require.Zero(t, classify.Nexpay().Classify(&classify.Error{Status: 503, RetryAfter: -1}).RetryAfter)
}

// endless wraps itself, or itself twice.
type endless struct{ _ byte }

func (*endless) Error() string { return "endless" }

type endlessChain struct{ endless }

func (e *endlessChain) Unwrap() error { return e }

type endlessTree struct{ endless }

func (e *endlessTree) Unwrap() []error { return []error{answer(403, "50"), e, e} }

func TestAbsurdTreesEnd(t *testing.T) {
	check(t, verdict{}, new(endlessChain))
	check(t, verdict{classify.Resync, classify.Unknown, "50", "Nonce is not monotonous"}, new(endlessTree))

	many := make([]error, 100_000)
	for i := range many {
		many[i] = answer(403, "50")
	}
	check(t, verdict{classify.Resync, classify.Unknown, "50", "Nonce is not monotonous"}, errors.Join(many...))

	deep := error(answer(403, "50"))
	for range 100_000 {
		deep = fmt.Errorf("%w", deep)
	}
	check(t, verdict{}, deep)
}

func TestClassifyOfAnAnswerAllocatesNothing(t *testing.T) {
	c := classify.Nexpay()
	plain := error(answer(403, "50"))
	wrapped := fmt.Errorf("while paying: %w", answer(500, "7", ""))
	require.Zero(t, testing.AllocsPerRun(100, func() { c.Classify(plain); c.Classify(wrapped) }))
}

func TestFunc(t *testing.T) {
	var c classify.Classifier = classify.Func(func(err error) classify.Verdict {
		return classify.Verdict{Rule: err.Error()}
	})
	require.Equal(t, "odd", c.Classify(errors.New("odd")).Rule)
}

func TestStrings(t *testing.T) {
	for want, v := range map[string]fmt.Stringer{
		"unclassified": classify.Unclassified, "retryable": classify.Retryable, "resync": classify.Resync,
		"fix-and-resend": classify.FixAndResend, "fatal": classify.Fatal, "Class(5)": classify.Class(5),
		"unknown": classify.Unknown, "not applied": classify.NotApplied, "Effect(2)": classify.Effect(2),
		"unclassified, effect unknown": classify.Verdict{},
		"fatal, not applied: API key locked (code 100, HTTP 403, locks the key out)": classify.Nexpay().Classify(answer(403, "100")),
		"retryable, effect unknown: HTTP 503 (retry after 2s)":                       classify.Nexpay().Classify(&classify.Error{Status: 503, RetryAfter: 2 * time.Second}),
	} {
		require.Equal(t, want, v.String())
	}
}

// Sixteen errors are kept, but those behind them count.
func TestErrorsThatAreNotKept(t *testing.T) {
	list := func(harmless int, last string) *classify.Error {
		return classify.Decode(403, nil, []byte(`{"errors":[`+strings.Repeat(`{"code":-32603},`, harmless)+last+`]}`))
	}
	locked := classify.Verdict{Class: classify.Fatal, Code: "100", Status: 403, Lockout: true, Rule: "API key locked"}
	for _, n := range []int{1, 15, 16, 17, 1015} {
		e := list(n, `{"code":100}`)
		require.Equal(t, locked, classify.Nexpay().Classify(e), "%d before it", n)
		require.LessOrEqual(t, len(e.Details), 16)
		require.Equal(t, n < 16, e.Complete())
	}
	v := classify.Nexpay().Classify(list(16, `{"code":30010}`))
	require.Equal(t, classify.FixAndResend, v.Class)
	require.Equal(t, classify.Unknown, v.Effect)
	require.Equal(t, classify.Retryable, classify.Nexpay().Classify(list(1015, `{"code":-32603}`)).Class)

	// What is not read at all may forbid what the rest allows.
	v = classify.Nexpay().Classify(list(1016, `{"code":100}`))
	require.Equal(t, classify.Verdict{Status: 403, Rule: "too many errors"}, v)
	early := classify.Decode(403, nil, []byte(`{"errors":[{"code":100}`+strings.Repeat(`,{"code":-32603}`, 1016)+`]}`))
	require.Equal(t, locked, classify.Nexpay().Classify(early))
}
