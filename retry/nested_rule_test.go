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
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// What may become of a call inside a call.
const (
	once   = "its function runs once, its error goes out as it is"
	own    = "a call of its own, with resends"
	nested = "ErrNested, with nothing sent"
)

// A place is where a call can be made inside another one.
type place struct {
	source  string // of nonces: "lane", "pool" or none
	timeout time.Duration
	payment bool
	run     func(ctx context.Context, r *retry.Retrier, inside func(context.Context)) error
}

var places = map[string]place{
	"Do, in a turn":                 {"lane", policy.None, false, inAttempt},
	"Do, in a turn of a pool":       {"pool", policy.None, false, inAttempt},
	"Do, with an attempt timeout":   {"", 10 * time.Second, false, inAttempt},
	"Do, second attempt":            {"", policy.None, false, inSecondAttempt},
	"Do, second attempt, in a turn": {"lane", 10 * time.Second, false, inSecondAttempt},
	"Hedge":                         {"", 10 * time.Second, false, inHedge},
	"Hedge, in a turn":              {"lane", policy.None, false, inHedge},
	"Hedge, the later one":          {"pool", time.Minute, false, inLaterHedge},
	"Send":                          {"", policy.None, true, inSend},
	"Send, in a turn":               {"lane", 10 * time.Second, true, inSend},
	"Send, in a turn of a pool":     {"pool", policy.None, true, inSend},
	"Verify":                        {"", policy.None, true, inVerify},
	"Verify, in a turn":             {"lane", 10 * time.Second, true, inVerify},
	"Verify, in a turn of a pool":   {"pool", policy.None, true, inVerify},
}

func inAttempt(ctx context.Context, r *retry.Retrier, inside func(context.Context)) error {
	return retry.Do(ctx, r, func(ctx context.Context) error { inside(ctx); return nil })
}

func inSecondAttempt(ctx context.Context, r *retry.Retrier, inside func(context.Context)) error {
	return retry.Do(ctx, r, func(ctx context.Context) error {
		if _, again := retry.AttemptFrom(ctx); !again {
			return code(503)
		}
		inside(ctx)
		return nil
	})
}

func inHedge(ctx context.Context, r *retry.Retrier, inside func(context.Context)) error {
	_, err := retry.Hedge(ctx, r, time.Hour, func(ctx context.Context) (int, error) { inside(ctx); return 1, nil })
	return err
}

func inLaterHedge(ctx context.Context, r *retry.Retrier, inside func(context.Context)) error {
	first := make(chan bool, 1)
	first <- true
	_, err := retry.Hedge(ctx, r, time.Millisecond, func(ctx context.Context) (int, error) {
		select {
		case <-first:
			<-ctx.Done()
			return 0, ctx.Err()
		default:
			inside(ctx)
			return 1, nil
		}
	})
	return err
}

func inSend(ctx context.Context, r *retry.Retrier, inside func(context.Context)) error {
	_, err := retry.DoOnce(ctx, r, retry.Operation[int]{
		ID:   "around",
		Send: func(ctx context.Context) (int, error) { inside(ctx); return 1, nil },
	})
	return err
}

func inVerify(ctx context.Context, r *retry.Retrier, inside func(context.Context)) error {
	_, err := retry.DoOnce(ctx, r, retry.Operation[int]{
		ID:     "around",
		Send:   func(context.Context) (int, error) { return 0, errTimeout },
		Verify: func(ctx context.Context) (int, retry.Outcome, error) { inside(ctx); return 1, retry.Applied, nil },
	})
	return err
}

// A rig is the Retriers of a test: that of the call around, another one, and another
// one on the nonce source of the first.
type rig struct{ outer, another, sameNonces *retry.Retrier }

func (p place) rig(t testing.TB) rig {
	t.Helper()
	lanes := make([]*nonce.Lane, 4)
	for i := range lanes {
		lane, err := nonce.NewLane(nonce.LaneConfig{Key: string(rune('a' + i))})
		require.NoError(t, err)
		lanes[i] = lane
	}
	cfg := retry.Config{Policies: steady(t, policy.Table{AttemptTimeout: p.timeout})}
	another := cfg
	another.Nonces = lanes[3]
	switch p.source {
	case "lane":
		cfg.Nonces = lanes[0]
	case "pool":
		pool, err := nonce.NewPool(lanes[:3]...)
		require.NoError(t, err)
		cfg.Nonces = pool
	}
	return rig{newRetrier(t, cfg), newRetrier(t, another), newRetrier(t, cfg)}
}

// Who makes the call inside, and with which context.
var callers = map[string]func(context.Context, rig) (context.Context, *retry.Retrier){
	"same":           func(ctx context.Context, g rig) (context.Context, *retry.Retrier) { return ctx, g.outer },
	"another":        func(ctx context.Context, g rig) (context.Context, *retry.Retrier) { return ctx, g.another },
	"same nonces":    func(ctx context.Context, g rig) (context.Context, *retry.Retrier) { return ctx, g.sameNonces },
	"apart, same":    func(ctx context.Context, g rig) (context.Context, *retry.Retrier) { return retry.Apart(ctx), g.outer },
	"apart, another": func(ctx context.Context, g rig) (context.Context, *retry.Retrier) { return retry.Apart(ctx), g.another },
	"apart, same nonces": func(ctx context.Context, g rig) (context.Context, *retry.Retrier) {
		return retry.Apart(ctx), g.sameNonces
	},
}

// How the call inside is made.
var calls = map[string]func(context.Context, *retry.Retrier, func(context.Context) error, ...retry.Option) error{
	"Do": retry.Do,
	"DoValue": func(ctx context.Context, r *retry.Retrier, op func(context.Context) error, opts ...retry.Option) error {
		_, err := retry.DoValue(ctx, r, func(ctx context.Context) (int, error) { return 1, op(ctx) }, opts...)
		return err
	},
	"Hedge": func(ctx context.Context, r *retry.Retrier, op func(context.Context) error, opts ...retry.Option) error {
		_, err := retry.Hedge(ctx, r, time.Hour, func(ctx context.Context) (int, error) { return 1, op(ctx) }, opts...)
		return err
	},
	"DoOnce": func(ctx context.Context, r *retry.Retrier, op func(context.Context) error, opts ...retry.Option) error {
		_, err := retry.DoOnce(ctx, r, retry.Operation[int]{
			ID: "inside", NoReplay: true,
			Send: func(ctx context.Context) (int, error) { return 1, op(ctx) },
		}, opts...)
		return err
	},
}

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
		"FallbackValue":         {retry.FallbackValue(7), nested},
	} {
		for where, p := range places {
			for how, call := range calls {
				if how == "DoOnce" || how == "Do" && name == "FallbackValue" { // refused for what they are
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
		require.ErrorContains(t, err, "make it with the same Retrier, or after the attempt")
		require.Equal(t, 1, sends)

		for name, inside := range map[string]func(context.Context) error{
			"retry.Apart(ctx)":        func(ctx context.Context) error { return retry.Do(ctx, g.another, always(nil)) },
			"Fallback decides about":  func(ctx context.Context) error { return fallen(ctx, g.outer) },
			"a DoOnce cannot be made": func(ctx context.Context) error { return paid(ctx, g.outer, always(nil), always(nil)) },
			"Resend decides about sendin": func(ctx context.Context) error {
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
	_, err := retry.DoValue(ctx, r, func(context.Context) (int, error) { return 0, errTimeout }, retry.FallbackValue(7))
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
