package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

var errOwn = errors.New("no courier is free for iban DE02")

// What the program says of an error counts, whoever judges it otherwise.
func TestMarks(t *testing.T) {
	never := classify.Func(func(error) classify.Verdict { return classify.Verdict{Class: classify.Fatal} })
	always := classify.Func(func(error) classify.Verdict { return classify.Verdict{Class: classify.Retryable} })
	for name, tt := range map[string]struct {
		err    error
		cfg    retry.Config
		sends  int
		reason error
	}{
		"an error that nobody knows":         {errOwn, retry.Config{}, 1, retry.ErrUnclassified},
		"marked transient":                   {retry.Transient(errOwn), retry.Config{}, 4, retry.ErrAttempts},
		"marked permanent":                   {retry.Permanent(errOwn), retry.Config{}, 1, retry.ErrFatal},
		"wrapped":                            {fmt.Errorf("while paying: %w", retry.Transient(errOwn)), retry.Config{}, 4, retry.ErrAttempts},
		"joined with one that nobody knows":  {errors.Join(retry.Transient(errOwn), errors.New("x")), retry.Config{}, 4, retry.ErrAttempts},
		"a retryable answer, permanent":      {retry.Permanent(code(503)), retry.Config{}, 1, retry.ErrFatal},
		"a fatal answer, transient":          {retry.Transient(code(403, "80")), retry.Config{}, 4, retry.ErrAttempts},
		"the outer mark counts":              {retry.Permanent(retry.Transient(errOwn)), retry.Config{}, 1, retry.ErrFatal},
		"a classifier that knows better":     {retry.Transient(errOwn), retry.Config{Classifier: never}, 4, retry.ErrAttempts},
		"a classifier that never gives up":   {retry.Permanent(errOwn), retry.Config{Classifier: always}, 1, retry.ErrFatal},
		"with the policy of its status":      {retry.Transient(code(404)), retry.Config{Policies: sentOnceUnder(t, 404)}, 1, retry.ErrAttempts},
		"a timeout of the caller's, perhaps": {retry.Permanent(context.DeadlineExceeded), retry.Config{}, 1, retry.ErrFatal},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sends := 0
				err := retry.Do(t.Context(), newRetrier(t, tt.cfg), func(context.Context) error { sends++; return tt.err })
				e := asError(t, err)
				require.Equal(t, tt.reason, e.Reason, "%v", err)
				require.Equal(t, tt.sends, sends)
				if inner := errors.Unwrap(tt.err); inner != nil {
					require.ErrorIs(t, err, inner)
				}
			})
		})
	}
	require.NoError(t, retry.Transient(nil))
	require.NoError(t, retry.Permanent(nil))
	require.EqualError(t, retry.Transient(errOwn), errOwn.Error())
}

// sentOnceUnder are policies with one send under a status.
func sentOnceUnder(t *testing.T, status int) *policy.Set {
	set, err := policy.Standard().With(policy.Table{Statuses: map[int]policy.Policy{status: {MaxAttempts: 1}}})
	require.NoError(t, err)
	return set
}

// A mark opens no lock, and is no proof about a payment.
func TestMarksHaveBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Key: "main"})
		sends := 0
		err := retry.Do(t.Context(), r, func(context.Context) error { sends++; return retry.Transient(code(403, "100")) })
		require.Equal(t, retry.ErrFatal, asError(t, err).Reason)
		require.Equal(t, 1, sends)
		require.ErrorIs(t, r.Lockout().Check("main"), breaker.ErrLockedOut)

		p := &payment{sends: []error{retry.Permanent(errOwn)}, looks: []found{applied}}
		_, err = pay(t, t.Context(), retry.Config{}, p)
		require.NoError(t, err)
		require.Len(t, p.looked, 1)
	})
}

// Another library's code 100 is none of Nexpay's, unless somebody has said that it is.
func TestForeignCodesUnderTheDefault(t *testing.T) {
	for name, tt := range map[string]struct {
		err     error
		cfg     retry.Config
		class   classify.Class
		lockout bool
		text    string
	}{
		"by default":            {coded(100), retry.Config{}, classify.Unclassified, false, "set Config.Classifier or Config.Policies"},
		"with a status":         {codedStatus{100, 503}, retry.Config{}, classify.Retryable, false, "HTTP 503"},
		"Nexpay's own answer":   {code(403, "100"), retry.Config{}, classify.Fatal, true, "API key locked"},
		"policies that are":     {coded(100), retry.Config{Policies: policy.Nexpay()}, classify.Fatal, true, "API key locked"},
		"a catalog that is":     {coded(100), retry.Config{Classifier: classify.Nexpay()}, classify.Fatal, true, "API key locked"},
		"a catalog of its own":  {coded(-32603), retry.Config{Classifier: classify.JSONRPC()}, classify.Retryable, false, "Internal error"},
		"one wrapped around it": {fmt.Errorf("x: %w", coded(50)), retry.Config{}, classify.Unclassified, false, "set Config.Classifier"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRetrier(t, tt.cfg)
				err := retry.Do(t.Context(), r, func(context.Context) error { return tt.err })
				e := asError(t, err)
				require.Equal(t, tt.class, e.Verdict.Class, "%v", err)
				require.Equal(t, tt.lockout, r.Lockout().Check("") != nil)
				require.ErrorContains(t, err, tt.text)
			})
		})
	}
}

// A person who comes from another library gets what they expect, and their own text back.
func TestOwnTextsAreShownIfWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := errors.New(string(make([]byte, 0)) + "x" + fmt.Sprint(make([]int, 400)))
		for _, tt := range []struct {
			err  error
			show bool
			want string
		}{
			{errOwn, true, "retry: error unknown, so not retryable: no courier is free for iban DE02 (1 send in 0s, effect unknown)"},
			{errOwn, false, "retry: error unknown, so not retryable: *errors.errorString (its text may hold request data and is not shown: see SafeError and Config.ShowErrors) (1 send in 0s, effect unknown)"},
			{errors.New("a\nb\x1b[31m"), true, "retry: error unknown, so not retryable: ab[31m (1 send in 0s, effect unknown)"},
		} {
			var told []string
			r := newRetrier(t, retry.Config{ShowErrors: tt.show, OnEvent: func(_ context.Context, e retry.Event) { told = append(told, e.Error) }})
			err := retry.Do(t.Context(), r, func(context.Context) error { return tt.err })
			require.ErrorContains(t, err, tt.want[len("retry: error unknown, so not retryable"):])
			require.Equal(t, tt.show, len(told[0]) < 140, told[0])
		}
		r := newRetrier(t, retry.Config{ShowErrors: true})
		err := retry.Do(t.Context(), r, func(context.Context) error { return long })
		require.Less(t, len(err.Error()), 400)
		secret := &url.Error{Op: "Get", URL: "https://api.example/?iban=DE02", Err: errors.New("x")}
		err = retry.Do(t.Context(), r, func(context.Context) error { return retry.Permanent(fmt.Errorf("paying: %w", secret)) })
		require.NotContains(t, err.Error(), "DE02", "a query is never shown")
		err = retry.Do(t.Context(), r, func(context.Context) error { return retry.Permanent(panicking{}) })
		require.Error(t, err)
		_ = err.Error()
	})
}

type panicking struct{}

func (panicking) Error() string { panic("secret") }
