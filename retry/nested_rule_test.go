package retry_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// What may become of a call inside a call.
const (
	once   = "its function runs once, its error goes out as it is"
	own    = "a call of its own, with resends"
	nested = "ErrNested, with nothing sent"
)

// rule is the paragraph: what becomes of a call inside a call.
func (p place) rule(who, how string) string {
	onSource := strings.HasSuffix(who, "same") || p.source != "" && strings.HasSuffix(who, "same nonces")
	switch {
	case strings.HasPrefix(who, "apart"):
		if p.source != "" && onSource {
			return nested // it would wait for itself
		}
		return own
	case how == "DoOnce":
		return nested
	case who == "same":
		return once
	case p.payment || onSource:
		return nested
	}
	return own
}

// inner makes a call whose function fails at first, and says what became of it.
func inner(t testing.TB, call func(func(context.Context) error) error) string {
	t.Helper()
	sent, began := 0, time.Now()
	err := call(func(context.Context) error {
		if sent++; sent == 1 {
			return errRefused
		}
		return nil
	})
	switch {
	case sent == 0:
		require.ErrorIs(t, err, retry.ErrNested)
		require.Equal(t, retry.ErrNested, asError(t, err).Reason)
		require.Zero(t, time.Since(began), "at once")
		return nested
	case sent == 1:
		require.Same(t, errRefused, err)
		require.Zero(t, time.Since(began), "at once")
		return once
	}
	require.NoError(t, err)
	require.Equal(t, 2, sent)
	return own
}

// Inside an attempt, a call of the same Retrier runs its function once and is
// otherwise not there. Anything else inside a payment's Send or Verify, or inside a
// turn of the same nonce source, is ErrNested unless the context is Apart. Any other
// call is a call of its own. A DoOnce is ErrNested inside any attempt.
func TestCallInsideACall(t *testing.T) {
	for where, p := range places {
		for who, caller := range callers {
			for how, call := range calls {
				t.Run(where+"/"+who+"/"+how, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						g, came := p.rig(t), ""
						err := p.run(t.Context(), g.outer, func(ctx context.Context) {
							ctx, r := caller(ctx, g)
							came = inner(t, func(op func(context.Context) error) error { return call(ctx, r, op) })
						})
						require.NoError(t, err, "of the call around it")
						require.Equal(t, p.rule(who, how), came)
						require.NoError(t, retry.Do(t.Context(), g.outer, always(nil)), "and all turns were given back")
						require.NoError(t, retry.Do(t.Context(), g.another, always(nil)))
					})
				})
			}
		}
	}
}

// Options that decide about sending again are the outer call's affair: on an inner
// call of the same Retrier they are ErrNested. Names may be given.
func TestOptionsOfACallInsideACall(t *testing.T) {
	changed := func(context.Context, *classify.Error) (bool, error) { return true, nil }
	for name, tt := range map[string]struct {
		opt  retry.Option
		want string
	}{
		"Named":                 {retry.Named("inner"), once},
		"Endpoint":              {retry.Endpoint("payments"), once},
		"Resend, always":        {retry.Resend(retry.ResendAlways), nested},
		"Resend, on proof":      {retry.Resend(retry.ResendOnProof), nested},
		"Resend, without proxy": {retry.Resend(retry.ResendOnProofNoReplay), nested},
		"Resend, never":         {retry.Resend(retry.ResendNever), nested},
		"Fix":                   {retry.Fix(changed), nested},
		"Fallback":              {fallingBackTo(7), nested},
	} {
		for where, p := range places {
			for how, call := range calls {
				if how == "DoOnce" || how == "Do" && name == "Fallback" { // refused for what they are
					continue
				}
				t.Run(name+"/"+where+"/"+how, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						g, came := p.rig(t), ""
						require.NoError(t, p.run(t.Context(), g.outer, func(ctx context.Context) {
							came = inner(t, func(op func(context.Context) error) error { return call(ctx, g.outer, op, tt.opt) })
						}))
						require.Equal(t, tt.want, came)
					})
				})
			}
		}
	}
}

// An inner call that is ErrNested says what to do instead, and ends the call around
// it, which is not sent again for a mistake in the program.
func TestNestedEndsTheCallAround(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := places["Do, in a turn"].rig(t)
		sends := 0
		err := retry.Do(t.Context(), g.outer, func(ctx context.Context) error {
			sends++
			return retry.Do(ctx, g.sameNonces, always(nil))
		})
		require.Equal(t, retry.ErrNested, asError(t, err).Reason)
		require.ErrorContains(t, err, "use the same Retrier, or make the call after the attempt")
		require.Equal(t, 1, sends)

		for name, inside := range map[string]func(context.Context) error{
			"retry.Apart(ctx)":          func(ctx context.Context) error { return retry.Do(ctx, g.another, always(nil)) },
			"Fallback controls retries": func(ctx context.Context) error { return fallen(ctx, g.outer) },
			"DoOnce is not allowed":     func(ctx context.Context) error { return paid(ctx, g.outer, always(nil), always(nil)) },
			"Resend controls retries": func(ctx context.Context) error {
				return retry.Do(ctx, g.outer, always(nil), retry.Resend(retry.ResendNever))
			},
		} {
			p := &payment{looks: []found{absent}}
			p.changes = func(op *retry.Operation[string]) {
				op.Send = func(ctx context.Context) (string, error) { p.sent = append(p.sent, p.now()); return "", inside(ctx) }
			}
			_, err = retry.DoOnce(t.Context(), g.outer, p.operation())
			require.Equal(t, retry.ErrNested, requireOnly(t, err, retry.ErrNested).Reason)
			require.ErrorContains(t, asError(t, err).Last, name)
			require.Len(t, p.sent, 1, "what Send did besides is looked up, and it is not sent again")
			require.NotEmpty(t, p.looked)
		}
	})
}

func fallen(ctx context.Context, r *retry.Retrier) error {
	_, err := retry.DoValue(ctx, r, func(context.Context) (int, error) { return 0, errTimeout }, fallingBackTo(7))
	return err
}

// With an error an inner call returns the zero value, like any other.
func TestValueOfAFailedCallInsideACall(t *testing.T) {
	for where, p := range places {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := p.rig(t)
				half := func(context.Context) (string, error) { return "half", io.EOF }
				require.NoError(t, p.run(t.Context(), g.outer, func(ctx context.Context) {
					v, err := retry.DoValue(ctx, g.outer, half)
					require.Equal(t, io.EOF, err)
					require.Empty(t, v)
					v, err = retry.Hedge(ctx, g.outer, time.Hour, half)
					require.Equal(t, io.EOF, err)
					require.Empty(t, v, "of a Hedge as well")
				}))
			})
		})
	}
}
