package retry_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// One line that a person who is paged can act on.
func TestErrorText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		internal := code(500, "-32603")
		internal.Details[0].Message = "Internal error"
		r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{})})

		err := retry.Do(t.Context(), r, always(internal), retry.Named("balance"))
		require.EqualError(t, err, "retry: balance: attempts used up: HTTP 500: -32603 Internal error (trace 5f2c) (4 sends in 7s, effect unknown)")

		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("request 4711 for Mrs. Secret"))
		defer cancel()
		err = retry.Do(ctx, r, always(internal))
		require.EqualError(t, err, "retry: the deadline leaves no time for another attempt: HTTP 500: -32603 Internal error (trace 5f2c) (1 send in 0s, effect unknown)")

		slow := code(503)
		slow.RetryAfter = 2 * time.Minute
		err = retry.Do(t.Context(), r, always(slow))
		require.EqualError(t, err, "retry: the server asks for a longer wait than the 20s allowed: HTTP 503 (trace 5f2c); it asks to come back after 2m0s (1 send in 0s, effect unknown)")

		err = retry.Do(t.Context(), r, always(code(403, "40")))
		require.EqualError(t, err, "retry: fatal, not retryable: HTTP 403: 40 (trace 5f2c), Invalid API key; the key is locked out for all calls; "+
			"action: Check that the configured API key is complete and belongs to this environment (1 send in 0s, effect not applied)")
		err = retry.Do(t.Context(), r, always(nil))
		require.ErrorContains(t, err, "retry: API key is locked out by code 40 (Invalid API key) since 2000-01-01T00:00:")
		require.ErrorContains(t, err, ", trace 5f2c; action: Check that the configured API key is complete and belongs to this environment, then end it with Lockout.Unlock (nothing sent)")
		require.Equal(t, "5f2c", asError(t, err).TraceID)
		require.Equal(t, classify.NotApplied, asError(t, err).Effect)

		time.Sleep(time.Second)
		err = retry.Do(ctx, r, always(internal))
		require.EqualError(t, err, "retry: the deadline leaves no time for another attempt; *errors.errorString (its text may hold request data and is not shown: see SafeError and Config.ShowErrors) (nothing sent)")
	})
}

// A key that was unlocked after the request had been sent stays so, and the error
// does not say otherwise.
func TestErrorTextOfALockoutThatCameTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Key: "main"})
		err := retry.Do(t.Context(), r, func(context.Context) error {
			time.Sleep(time.Second)
			r.Lockout().Lock("main", breaker.LockCause{Code: "100"})
			r.Lockout().Unlock("main")
			return code(403, "100")
		})
		require.ErrorIs(t, err, retry.ErrFatal)
		require.NoError(t, r.Lockout().Check("main"))
		require.ErrorContains(t, err, "; sent before the key was unlocked; it is not locked out; action: ")
		require.NotContains(t, err.Error(), "for all calls")
	})
}

// The code that decided is named, though the answer's own text stops before it.
func TestErrorTextOfManyCodes(t *testing.T) {
	r := newRetrier(t, retry.Config{})
	err := retry.Do(t.Context(), r, always(code(403, "30", "60", "70", "100", "80")))
	require.ErrorContains(t, err, "HTTP 403: 30; 60; 70 and 2 more (trace 5f2c), decided by 100 API key locked; the key is locked out")
	err = retry.Do(t.Context(), newRetrier(t, retry.Config{}), always(code(403, "30", "60", "100", "80")))
	require.ErrorContains(t, err, "HTTP 403: 30; 60; 100 and 1 more (trace 5f2c), API key locked; the key is locked out")
	err = retry.Do(t.Context(), newRetrier(t, retry.Config{Classifier: classify.Func(func(error) classify.Verdict {
		return classify.Verdict{Class: classify.Fatal, Code: "7"}
	})}), always(errors.New("?")))
	require.ErrorContains(t, err, "is not shown: see SafeError and Config.ShowErrors), decided by 7 (1 send")
}

// Where people have to act, or wait for others to, they are told what to do.
func TestAdvice(t *testing.T) {
	r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{})})
	err := retry.Do(t.Context(), r, always(code(403, "140")))
	require.ErrorContains(t, err, "retry: not retryable by its policy: HTTP 403: 140 (trace 5f2c), REST API suspended; "+
		"action: Try again later; the API is suspended for now (1 send in ")
	require.Equal(t, retry.ErrAttempts, asError(t, err).Reason)

	err = retry.Do(t.Context(), r, always(code(403, "50")))
	require.Equal(t, retry.ErrResync, asError(t, err).Reason)
	require.Contains(t, asError(t, err).Advice, "find out who else uses this key")
}

// Where it is the wait that does not fit, the text does not say that the time is over.
func TestErrorTextOfAWaitThatDoesNotFit(t *testing.T) {
	busy := code(503, "-32603")
	for name, tt := range map[string]struct {
		asked, took time.Duration
		want        string
	}{
		"at once":             {15 * time.Second, 0, "retry: no time to wait 15s before the next send: it must begin within 10s, of which 10s is left: HTTP 503"},
		"after a while":       {8 * time.Second, 7250 * time.Millisecond, "retry: no time to wait 8s before the next send: it must begin within 10s, of which 2.75s is left: HTTP 503"},
		"when it is over":     {time.Second, 10*time.Second + 1, "retry: time for the call used up: HTTP 503"},
		"to the nanosecond":   {time.Second, 10 * time.Second, "retry: no time to wait 1s before the next send: it must begin within 10s, of which 0s is left: HTTP 503"},
		"more than is waited": {21 * time.Second, 0, "retry: the server asks for a longer wait than the 20s allowed: HTTP 503"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{AttemptTimeout: time.Minute, Default: policy.Policy{MaxElapsed: 10 * time.Second}})})
				err := retry.Do(t.Context(), r, func(context.Context) error {
					time.Sleep(tt.took)
					slow := *busy
					slow.RetryAfter = tt.asked
					return &slow
				})
				require.ErrorContains(t, err, tt.want)
			})
		})
	}
}

// What came from outside stands beside what the API said.
func TestErrorTextWithBoth(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	r := newRetrier(t, retry.Config{})
	err := retry.Do(ctx, r, func(context.Context) error { cancel(vouched{}); return code(500, "-32603") })
	require.ErrorContains(t, err, "canceled by the caller: HTTP 500: -32603 (trace 5f2c), Internal error; the ledger is closed (1 send in")
}

// A later answer speaks for its own request only: that one had no effect, the
// one before may have had.
func TestEffectOfAllAttempts(t *testing.T) {
	for _, tt := range []struct {
		steps []error
		want  classify.Effect
	}{
		{[]error{code(403, "80")}, classify.NotApplied},
		{[]error{code(403, "50"), code(403, "80")}, classify.NotApplied},
		{[]error{code(403, "50"), code(500, "-32603"), code(403, "80")}, classify.Unknown},
		{[]error{errors.New("?")}, classify.Unknown},
	} {
		r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{Default: policy.Policy{Backoff: policy.Backoff{Initial: policy.None}}})})
		e := asError(t, retry.Do(t.Context(), r, play(tt.steps...).op))
		require.Equal(t, tt.want, e.Effect)
		require.Contains(t, e.Error(), "effect "+tt.want.String())
	}
}

// An answer without a trace id does not lose that of the one before it.
func TestTraceIDOfAnEarlierAnswer(t *testing.T) {
	r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{Default: policy.Policy{Backoff: policy.Backoff{Initial: policy.None}, MaxAttempts: 2}})})
	err := retry.Do(t.Context(), r, play(code(500, "-32603"), io.ErrUnexpectedEOF).op)
	require.Equal(t, "5f2c", asError(t, err).TraceID)
	require.ErrorContains(t, err, "unexpected EOF (another answer had trace 5f2c) (2 sends")
}

const secret = "4711-SECRET"

// S1: whatever an operation returns, no text of ours passes on what may be
// request data; and whatever is harmless is passed on.
func TestNoRequestDataInAnyText(t *testing.T) {
	answer := code(500, "-32603")
	answer.Details[0].Data = secret
	link := "https://user:" + secret + "@api.example/pay?iban=" + secret
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443},
		Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

	for _, tt := range []struct {
		name  string
		err   error
		shows string
	}{
		{"plain text", errors.New(secret), "*errors.errorString"},
		{"an answer", answer, "HTTP 500: -32603"},
		{"an answer in a wrapper", fmt.Errorf("pay %s: %w", secret, answer), "HTTP 500: -32603"},
		{"url.Error", &url.Error{Op: "Post", URL: link, Err: refused}, "no answer to HTTP POST: dial 127.0.0.1:443: connection refused"},
		{"url.Error with anything", &url.Error{Op: "Get", URL: link, Err: errors.New(secret)}, "no answer to HTTP GET: *errors.errorString"},
		{"url.Error in a wrapper", fmt.Errorf("%s: %w", secret, &url.Error{Op: "Get", URL: link, Err: io.EOF}), "no answer to HTTP GET: EOF"},
		{"url.Error with a deadline", &url.Error{Op: "Get", URL: link, Err: context.DeadlineExceeded}, "context deadline exceeded"},
		{"a hand-made op", &url.Error{Op: secret, URL: link, Err: io.EOF}, "EOF"},
		{"unreadable JSON", classify.Undecodable(json.Unmarshal([]byte(`"`+secret+`"`), new(int))), "unreadable answer"},
		{"a code of another library", coded(17), "error code 17"},
		{"joined", errors.Join(errors.New(secret), answer, io.EOF), "HTTP 500: -32603 (trace 5f2c); EOF"},
		{"DNS", &net.DNSError{Err: "no such host", Name: "api.example", IsNotFound: true}, "lookup api.example: no such host"},
		{"OpError with anything", &net.OpError{Op: "read", Net: "tcp", Err: errors.New(secret)}, "read: *errors.errorString"},
		{"a hand-made OpError", &net.OpError{Op: secret, Net: secret, Addr: addr(secret), Err: os.NewSyscallError(secret, io.EOF)}, "network: EOF"},
		{"a certificate", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "certificate signed by unknown authority"},
		{"a certificate for what the server has seen", &url.Error{Op: "Get", URL: link, Err: &tls.CertificateVerificationError{
			Err: x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{secret}}, Host: secret}}},
			"no answer to HTTP GET: tls: failed to verify certificate: x509: certificate is not valid for the host that was called"},
		{"a certificate checked by hand", x509.CertificateInvalidError{Reason: x509.CANotAuthorizedForThisName, Detail: secret}, "reason 2"},
		{"plain HTTP", http.ErrSchemeMismatch, "server gave HTTP response to HTTPS client"},
		{"a panic's value", fmt.Errorf("%v", secret), "*errors.errorString"},
		{"deep", deep(errors.New(secret)), "holds more than 1000 others"},
		{"of a type that vouches", vouched{}, "the ledger is closed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			text := slog.New(slog.NewTextHandler(&log, nil))
			observe := func(ctx context.Context, e retry.Event) {
				retry.LogEvents(text)(ctx, e)
				fmt.Fprintf(&log, "%v %+v %#v", e, e, e)
			}
			set := steady(t, policy.Table{Default: policy.Policy{Backoff: policy.Backoff{Initial: policy.None}}})
			r := newRetrier(t, retry.Config{Policies: set, OnEvent: observe})
			err := retry.Do(t.Context(), r, always(tt.err))
			require.ErrorContains(t, err, tt.shows)

			e := asError(t, err)
			require.ErrorIs(t, err, e.Last, "and the error itself is there for who wants it")
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
				fmt.Fprintf(&log, verb+verb, e, *e)
				fmt.Fprintf(&log, verb, e.History)
			}
			text.Error("pointer", "err", e)
			text.Error("value", "err", *e)
			slog.New(slog.NewJSONHandler(&log, nil)).Error("JSON", "err", e, "value", *e, "history", e.History)
			for _, v := range []any{e, *e, e.History} {
				encoded, err := json.Marshal(v)
				require.NoError(t, err)
				log.Write(encoded)
			}
			require.NotContains(t, log.String(), "SECRET")
		})
	}
}

func deep(err error) error {
	for range 100_000 {
		err = fmt.Errorf("%w", err)
		if len(err.Error()) > 1<<10 {
			break
		}
	}
	for range 1000 {
		err = wrapper{err}
	}
	return err
}

type wrapper struct{ err error }

func (w wrapper) Error() string { return w.err.Error() }
func (w wrapper) Unwrap() error { return w.err }

type addr string

func (a addr) Network() string { return string(a) }
func (a addr) String() string  { return string(a) }

type vouched struct{}

func (vouched) Error() string     { return "the ledger is closed for " + secret }
func (vouched) SafeError() string { return "the ledger is closed" }

// A zero Error, as a test of a user's may make one, panics nobody.
func TestZeroError(t *testing.T) {
	e := &retry.Error{}
	require.Equal(t, "retry: no reason given (nothing sent)", e.Error())
	require.Empty(t, e.Unwrap())
	require.False(t, errors.Is(e, retry.ErrFatal))
	require.True(t, strings.HasPrefix(fmt.Sprintf("%q", e), `"retry:`))
}

// What each sentinel is besides itself.
// Who asks whether it was a timeout hears what one request would have said.
func TestErrorTimeout(t *testing.T) {
	slow := &url.Error{Op: "Get", URL: "http://bank.example", Err: context.DeadlineExceeded}
	for name, tt := range map[string]struct {
		err  *retry.Error
		want bool
	}{
		"the deadline":                  {&retry.Error{Reason: retry.ErrDeadline}, true},
		"the deadline, after an answer": {&retry.Error{Reason: retry.ErrDeadline, Last: code(503)}, true},
		"the last send":                 {&retry.Error{Reason: retry.ErrAttempts, Last: fmt.Errorf("balance: %w", slow)}, true},
		"the only send":                 {&retry.Error{Reason: retry.ErrDoubt, Last: slow}, true},
		"an answer":                     {&retry.Error{Reason: retry.ErrAttempts, Last: code(504)}, false},
		"canceled":                      {&retry.Error{Reason: retry.ErrCanceled, Last: slow}, false},
		"nothing sent":                  {&retry.Error{Reason: retry.ErrOpen}, false},
		"doubt":                         {&retry.Error{Reason: retry.ErrOutcomeUnknown, Last: slow, Doubt: &retry.Doubt{}}, false},
		"it happened":                   {&retry.Error{Reason: retry.ErrApplied, Last: slow}, false},
		"another is at it":              {&retry.Error{Reason: retry.ErrBusy, Last: slow}, false},
		"a nil pointer inside":          {&retry.Error{Reason: retry.ErrAttempts, Last: &url.Error{Err: (*net.OpError)(nil)}}, false},
		"zero":                          {&retry.Error{}, false},
		"nil":                           {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, tt.err.Timeout())
			if tt.err != nil {
				require.Equal(t, tt.want, os.IsTimeout(tt.err))
				require.Equal(t, tt.want, (&url.Error{Err: tt.err}).Timeout())
			}
		})
	}
}

func TestSentinels(t *testing.T) {
	require.ErrorIs(t, retry.ErrDeadline, context.DeadlineExceeded)
	require.ErrorIs(t, retry.ErrCanceled, context.Canceled)
	all := []error{retry.ErrFatal, retry.ErrFixAndResend, retry.ErrUnclassified, retry.ErrAttempts, retry.ErrElapsed,
		retry.ErrDeadline, retry.ErrCanceled, retry.ErrBudget, retry.ErrOpen, retry.ErrLockedOut, retry.ErrRetryAfter,
		retry.ErrResync, retry.ErrNonce}
	for i, a := range all {
		for j, b := range all {
			require.Equal(t, i == j, errors.Is(&retry.Error{Reason: a}, b), "%v, %v", a, b)
		}
	}
}

// The cause of an ended context stands there if it says more than the reason.
func TestTextOfAnEndedContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{})
		late, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		waits := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		require.EqualError(t, retry.Do(late, r, waits),
			"retry: the deadline leaves no time for another attempt: context deadline exceeded (1 send in 1s, effect unknown)")
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		require.EqualError(t, retry.Do(gone, r, waits), "retry: canceled by the caller (nothing sent)")
		left, leave := context.WithCancelCause(t.Context())
		leave(io.ErrUnexpectedEOF)
		require.EqualError(t, retry.Do(left, r, waits), "retry: canceled by the caller; unexpected EOF (nothing sent)")
	})
}
