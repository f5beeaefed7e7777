package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// What each rule makes of a send that failed so, if it would be sent again by the policy alone.
func TestResend(t *testing.T) {
	suspended := code(403, "130") // retryable, refused in the API's own words
	const always, proof, noReplay, never = retry.ResendAlways, retry.ResendOnProof, retry.ResendOnProofNoReplay, retry.ResendNever
	for name, tt := range map[string]struct {
		err       error
		connected bool
		again     []retry.Resends
	}{
		"HTTP 500":                            {code(500, "-32603"), true, []retry.Resends{always}},
		"HTTP 503":                            {code(503), true, []retry.Resends{always}},
		"HTTP 429":                            {code(429), true, []retry.Resends{always}},
		"no answer":                           {errTimeout, true, []retry.Resends{always}},
		"a refusal in the API's words":        {suspended, true, []retry.Resends{always, proof, noReplay}},
		"a refused nonce":                     {code(403, "50"), true, []retry.Resends{always, noReplay}},
		"a connection that was never made":    {errRefused, false, []retry.Resends{always, proof, noReplay}},
		"one after another that was made":     {errRefused, true, []retry.Resends{always}},
		"a 2xx that cannot be read":           {classify.Undecodable(errors.New("x")), true, []retry.Resends{always}},
		"joined with one that proves nothing": {errors.Join(suspended, errTimeout), true, []retry.Resends{always}},
	} {
		for _, when := range []retry.Resends{always, proof, noReplay, never, never + 1} {
			t.Run(fmt.Sprintf("%s, %v", name, when), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRetrier(t, retry.Config{Policies: steady(t, policy.Table{Default: policy.Policy{MaxAttempts: 2}, Codes: map[classify.Code]policy.Policy{"130": {MaxAttempts: 2}}})})
					sends := 0
					err := retry.Do(t.Context(), r, func(ctx context.Context) error {
						if when == proof || when == noReplay {
							asked(ctx)
						}
						if trace := httptrace.ContextClientTrace(ctx); trace != nil && tt.connected {
							trace.GotConn(httptrace.GotConnInfo{})
						}
						if sends++; sends == 1 {
							return tt.err
						}
						return nil
					}, retry.Resend(when))
					for _, again := range tt.again {
						if when == again {
							require.NoError(t, err)
							require.Equal(t, 2, sends)
							return
						}
					}
					require.Equal(t, 1, sends)
					want := retry.ErrDoubt
					if when >= never {
						want = retry.ErrAttempts
						require.ErrorContains(t, err, "limited to one send")
					}
					require.Equal(t, want, asError(t, err).Reason)
					require.ErrorIs(t, err, tt.err, "with what it failed with")
				})
			})
		}
	}
}

// What may have happened is not to be changed and sent again; what was refused is.
func TestResendAndFix(t *testing.T) {
	fixed := retry.Fix(func(context.Context, *classify.Error) (bool, error) { return true, nil })
	for name, tt := range map[string]struct {
		err  error
		when retry.Resends
		want error
	}{
		"refused, on proof":  {code(400, "30010"), retry.ResendOnProof, nil},
		"in a 5xx, on proof": {code(500, "30010"), retry.ResendOnProof, retry.ErrFixAndResend},
		"refused, never":     {code(400, "30010"), retry.ResendNever, retry.ErrFixAndResend},
		"in a 5xx, always":   {code(500, "30010"), retry.ResendAlways, nil},
		"fatal, on proof":    {code(403, "80"), retry.ResendOnProof, retry.ErrFatal},
		"unknown, on proof":  {errors.New("x"), retry.ResendOnProof, retry.ErrUnclassified},
	} {
		t.Run(name, func(t *testing.T) {
			err := retry.Do(t.Context(), newRetrier(t, retry.Config{}), play(tt.err).op, fixed, retry.Resend(tt.when))
			require.Equal(t, tt.want == nil, err == nil)
			if err != nil {
				require.Equal(t, tt.want, asError(t, err).Reason)
			}
		})
	}
}

// The caller's own trace is told as well.
func TestResendKeepsTheCallersTrace(t *testing.T) {
	told := 0
	ctx := withTrace(t.Context(), func() { told++ })
	err := retry.Do(ctx, newRetrier(t, retry.Config{}), func(ctx context.Context) error {
		httptrace.ContextClientTrace(ctx).GotConn(httptrace.GotConnInfo{})
		return nil
	}, retry.Resend(retry.ResendOnProof))
	require.NoError(t, err)
	require.Equal(t, 1, told)
}

func TestResendsNames(t *testing.T) {
	for when, want := range []string{"always", "on proof", "on proof, no replay", "never", "Resends(4)"} {
		require.Equal(t, want, retry.Resends(when).String())
	}
}

func TestWarn(t *testing.T) {
	var events []retry.Event
	r := newRetrier(t, retry.Config{OnEvent: func(_ context.Context, e retry.Event) { events = append(events, e); panic("contained") }})
	r.Warn(t.Context(), "payments", "a line\nforged")
	require.Len(t, events, 1)
	require.Equal(t, "warning", events[0].Kind.String())
	require.Equal(t, "a lineforged", events[0].Error)
	require.Equal(t, "payments", events[0].Name)
	newRetrier(t, retry.Config{}).Warn(t.Context(), "", "nobody listens")
}

// Where only the rule of a code stands between a refusal and its proof, the advice says what
// to write into the rule. Under a status that can be no refusal that would not help.
func TestDoubtNamesTheRuleThatCouldEndIt(t *testing.T) {
	catalog, err := classify.NewCatalog("acme",
		classify.Rule{Codes: "busy", Name: "Busy", Class: classify.Retryable},
		classify.Rule{Codes: "later", Name: "Later", Class: classify.Retryable, Effect: classify.NotApplied})
	require.NoError(t, err)
	set, err := policy.Standard().With(policy.Table{Catalog: catalog})
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(t, retry.Config{Policies: set})
		const advice = "if the API's documentation says that code busy changes nothing, say so in its rule (effect: not-applied)"
		for _, tt := range []struct {
			err  error
			want string
		}{
			{&classify.Error{Status: 400, Details: []classify.Detail{{Code: "busy"}}}, advice},
			{&classify.Error{Status: 503, Details: []classify.Detail{{Code: "busy"}}}, ""},
			{&classify.Error{Status: 429, Details: []classify.Detail{{Code: "busy"}}}, ""},
			{&classify.Error{Status: 409, Details: []classify.Detail{{Code: "later"}}}, ""},
			{&classify.Error{Status: 421, Details: []classify.Detail{{Code: "new"}}}, ""},
			{&classify.Error{Status: 503}, ""},
			{&classify.Error{Details: []classify.Detail{{Code: "busy"}}}, ""}, // as gRPC's UNAVAILABLE is
			{errTimeout, ""},
		} {
			err := retry.Do(t.Context(), r, always(tt.err), retry.Resend(retry.ResendOnProof))
			require.ErrorIs(t, err, retry.ErrDoubt, "%v", tt.err)
			require.Equal(t, tt.want, asError(t, err).Advice, "%v", tt.err)
			if tt.want != "" {
				require.ErrorContains(t, err, "; action: "+advice)
			}
		}
		lost, sends := errors.New("lost"), 0
		err := retry.Do(t.Context(), r, func(context.Context) error {
			if sends++; sends == 1 {
				return retry.Transient(lost)
			}
			return &classify.Error{Status: 400, Details: []classify.Detail{{Code: "busy"}}}
		}, retry.ResendWithin(time.Hour, retry.ResendOnProof))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "not-applied", "the first send may have happened all the same")
	})
}
