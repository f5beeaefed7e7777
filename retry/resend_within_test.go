package retry_test

import (
	"context"
	"net/http/httptrace"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// sentAs plays errors in their order, each on a connection that was made.
func sentAs(sends *int, errs ...error) func(context.Context) error {
	return func(ctx context.Context) error {
		if trace := httptrace.ContextClientTrace(ctx); trace != nil {
			trace.GetConn("")
			trace.GotConn(httptrace.GotConnInfo{})
		}
		*sends++
		if *sends <= len(errs) {
			return errs[*sends-1]
		}
		return nil
	}
}

func TestResendWithin(t *testing.T) {
	const day = 24 * time.Hour
	lost, down, refused := error(errTimeout), code(503), code(403, "130")
	for name, tt := range map[string]struct {
		keeps time.Duration
		then  retry.Resends
		errs  []error
		want  error
		sends int
	}{
		"in doubt":                                {day, retry.ResendOnProof, []error{lost, down}, nil, 3},
		"in doubt, and refused":                   {day, retry.ResendOnProof, []error{lost, refused}, nil, 3},
		"a refused nonce":                         {day, retry.ResendOnProof, []error{code(403, "50")}, nil, 2},
		"in doubt, and a refused nonce":           {day, retry.ResendOnProof, []error{lost, code(403, "50")}, nil, 3},
		"in doubt, and fatal":                     {day, retry.ResendOnProof, []error{lost, code(403, "80")}, retry.ErrFatal, 2},
		"in doubt, and a bare 409":                {day, retry.ResendOnProof, []error{lost, code(409)}, nil, 3},
		"a bare 409":                              {day, retry.ResendOnProof, []error{code(409)}, retry.ErrFatal, 1},
		"in doubt, and a 409 that a rule decides": {day, retry.ResendOnProof, []error{lost, code(409, "80")}, retry.ErrFatal, 2},
		"no time":                                 {0, retry.ResendOnProof, []error{down}, retry.ErrDoubt, 1},
		"less than none":                          {-1, retry.ResendOnProof, []error{down}, retry.ErrDoubt, 1},
		"too little":                              {50*time.Second + time.Second, retry.ResendOnProof, []error{down}, retry.ErrDoubt, 1},
		"enough for one":                          {50*time.Second + time.Second + 1, retry.ResendOnProof, []error{down, down}, retry.ErrDoubt, 2},
		"refused, when it is over":                {1, retry.ResendOnProof, []error{refused}, nil, 2},
		"in doubt before, and refused":            {50*time.Second + time.Second + 1, retry.ResendOnProof, []error{down, refused}, retry.ErrDoubt, 2},
		"a nonce, when it is over":                {1, retry.ResendOnProof, []error{code(403, "50")}, retry.ErrDoubt, 1},
		"no replay":                               {1, retry.ResendOnProofNoReplay, []error{code(403, "50")}, nil, 2},
		"another value":                           {1, retry.ResendAlways, []error{down}, retry.ErrDoubt, 1},
		"for ever":                                {1<<63 - 1, retry.ResendOnProof, []error{down}, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := steady(t, policy.Table{Default: policy.Policy{MaxAttempts: 5}, Codes: map[classify.Code]policy.Policy{"130": {MaxAttempts: 5}}})
				r := newRetrier(t, retry.Config{Policies: set, Budget: retry.NoBudget()})
				sends := 0
				err := retry.Do(t.Context(), r, sentAs(&sends, tt.errs...), retry.ResendWithin(tt.keeps, tt.then))
				require.Equal(t, tt.sends, sends)
				if tt.want == nil {
					require.NoError(t, err)
					return
				}
				e := asError(t, err)
				require.Equal(t, tt.want, e.Reason)
				require.Equal(t, classify.Unknown, e.Effect)
			})
		})
	}
}

// What may have happened under a key is not changed under that key.
func TestResendWithinAndFix(t *testing.T) {
	for name, first := range map[string]error{"in doubt": errTimeout, "not": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fixes, sends := 0, 0
				errs := []error{code(400, "30010")}
				if first != nil {
					errs = []error{first, errs[0]}
				}
				err := retry.Do(t.Context(), newRetrier(t, retry.Config{}), sentAs(&sends, errs...), retry.ResendWithin(24*time.Hour, retry.ResendOnProof),
					retry.Fix(func(context.Context, *classify.Error) (bool, error) { fixes++; return true, nil }))
				require.Equal(t, first != nil, err != nil)
				require.Equal(t, first == nil, fixes == 1)
			})
		})
	}
}

// A turn on the key that took too long to come is too late for the key of idempotency.
func TestResendWithinWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := newLane(t)
		set := steady(t, policy.Table{Default: policy.Policy{MaxAttempts: 5, MaxElapsed: policy.None}})
		r := newRetrier(t, retry.Config{Policies: set, Nonces: lane, Budget: retry.NoBudget()})
		sends := 0
		send := sentAs(&sends, code(503))
		err := retry.Do(t.Context(), r, func(ctx context.Context) error {
			go func() { // somebody else's turn, while this call waits
				ticket, err := lane.Enter(context.Background())
				if err == nil {
					time.Sleep(30 * time.Second)
					ticket.Leave()
				}
			}()
			return send(ctx)
		}, retry.ResendWithin(65*time.Second, retry.ResendOnProof))
		e := asError(t, err)
		require.Equal(t, retry.ErrDoubt, e.Reason)
		require.Equal(t, classify.Unknown, e.Effect)
		require.Equal(t, 1, sends)
		time.Sleep(time.Minute)
	})
}

// Who asks for the catalog gets the one that is in use.
func TestCatalogOfARetrier(t *testing.T) {
	require.Same(t, classify.Nexpay(), newRetrier(t, retry.Config{}).Catalog())
	require.Nil(t, newRetrier(t, retry.Config{Classifier: classify.Func(classify.Nexpay().Classify)}).Catalog())
	other, err := classify.NewCatalog("other")
	require.NoError(t, err)
	r := newRetrier(t, retry.Config{})
	set, err := policy.Standard().With(policy.Table{Catalog: other})
	require.NoError(t, err)
	require.NoError(t, r.Reload(set))
	require.Equal(t, "other", r.Catalog().Name())
	require.Nil(t, r.Nonces())
	lane := newLane(t)
	require.Equal(t, lane, newRetrier(t, retry.Config{Nonces: lane}).Nonces())
	require.Nil(t, r.Breaker())
	require.Nil(t, r.Breakers())
	b, group := newBreaker(t, breaker.Config{}), new(breaker.Group)
	require.Same(t, b, newRetrier(t, retry.Config{Breaker: b}).Breaker())
	require.Same(t, group, newRetrier(t, retry.Config{Breakers: group}).Breakers())
}
