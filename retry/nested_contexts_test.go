package retry_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// An attempt that is over does not count, whoever still holds its context.
func TestCallInAKeptContext(t *testing.T) {
	for where, p := range places {
		for who, caller := range callers {
			t.Run(where+"/"+who, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := p.rig(t)
					var kept context.Context
					require.NoError(t, p.run(t.Context(), g.outer, func(ctx context.Context) { kept = context.WithoutCancel(ctx) }))
					for how, call := range calls {
						ctx, r := caller(kept, g)
						came := inner(t, func(op func(context.Context) error) error { return call(ctx, r, op) })
						require.Equal(t, own, came, how)
					}
				})
			})
		}
	}
}

// The same with the context of Apart, kept beyond the attempt around it.
func TestCallInAKeptContextApart(t *testing.T) {
	for where, p := range places {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := p.rig(t)
				var kept context.Context
				require.NoError(t, p.run(t.Context(), g.outer, func(ctx context.Context) {
					kept = context.WithoutCancel(retry.Apart(ctx))
				}))
				for how, call := range calls {
					require.Equal(t, own, inner(t, func(op func(context.Context) error) error { return call(kept, g.outer, op) }), how)
					require.Equal(t, own, inner(t, func(op func(context.Context) error) error { return call(kept, g.sameNonces, op) }), how)
				}
			})
		})
	}
}

// Whatever context of the attempts around it a call is given, the outermost one's
// above all, it never waits for itself, and each send has a nonce of its own.
func TestThreeLevelsWithAnyContext(t *testing.T) {
	for where, p := range places {
		for level := range 3 {
			t.Run(where+"/"+strings.Repeat("out of ", level)+"one's own", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := p.rig(t)
					var seen []uint64
					note := func(ctx context.Context) error {
						if ticket, ok := nonce.FromContext(ctx); ok {
							seen = append(seen, ticket.Nonce())
						}
						return nil
					}
					began := time.Now()
					var took time.Duration
					require.NoError(t, p.run(t.Context(), g.outer, func(outermost context.Context) {
						began = time.Now()
						_ = note(outermost)
						require.NoError(t, retry.Do(outermost, g.outer, func(middle context.Context) error {
							_ = note(middle)
							return retry.Do(outermost, g.outer, func(innermost context.Context) error {
								_ = note(innermost)
								return retry.Do([]context.Context{innermost, middle, outermost}[level], g.outer, note)
							})
						}))
						took = time.Since(began)
					}))
					require.Zero(t, took)
					if p.source == "" {
						require.Empty(t, seen)
						return
					}
					require.Len(t, seen, 4)
					for i := range seen[1:] {
						require.Less(t, seen[i], seen[i+1])
					}
				})
			})
		}
	}
}

// A first attempt with neither turn nor attempt timeout leaves no trace: a call in it
// is a call of its own, also of the same Retrier, and what ends it ends the outer one.
func TestCallInABareFirstAttempt(t *testing.T) {
	bare := place{timeout: policy.None, run: inAttempt}
	for who, caller := range callers {
		for how, call := range calls {
			t.Run(who+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g, came := bare.rig(t), ""
					require.NoError(t, bare.run(t.Context(), g.outer, func(ctx context.Context) {
						ctx, r := caller(ctx, g)
						came = inner(t, func(op func(context.Context) error) error { return call(ctx, r, op) })
					}))
					require.Equal(t, own, came)
				})
			})
		}
	}
	synctest.Test(t, func(t *testing.T) {
		g, sends := bare.rig(t), 0
		err := retry.Do(t.Context(), g.outer, func(ctx context.Context) error {
			return retry.Do(ctx, g.outer, func(context.Context) error { sends++; return code(503) })
		})
		require.Equal(t, 4, sends, "not four times four")
		require.Equal(t, retry.ErrAttempts, asError(t, err).Reason)
	})
}
