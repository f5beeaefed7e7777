package retry_test

import (
	"context"
	"errors"
	"net/http/httptrace"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// What a call made through Apart does about connections is not the payment's: it
// neither makes a refusal of the payment doubtful, nor proves that nothing was sent.
func TestConnectionsOfACallApart(t *testing.T) {
	for name, tt := range map[string]struct {
		token, pay func(context.Context)
		err        error
		looks      bool
	}{
		"a token, and a refusal":                                         {connected, connected, code(400, "30010"), false},
		"a token, and a connection that was refused":                     {connected, asked, errRefused, false},
		"no connection for the token, and a payment that tells no trace": {asked, func(context.Context) {}, errors.New("EOF"), true},
		"a token, and a second request":                                  {connected, twice, code(400, "30010"), true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := 0
				p := &payment{sends: []error{tt.err}, looks: []found{applied}}
				p.onSend = func(ctx context.Context) {
					apart := retry.Apart(ctx)
					require.NotNil(t, httptrace.ContextClientTrace(apart), "that of the caller is there")
					if tt.token != nil {
						connected := httptrace.ContextClientTrace(apart)
						require.Nil(t, connected.GetConn, "that of the payment is not")
						tt.token(withHooks(apart))
					}
					tt.pay(ctx)
				}
				_, _ = pay(t, withTrace(t.Context(), func() { told++ }), retry.Config{}, p)
				require.Equal(t, tt.looks, len(p.looked) > 0)
			})
		})
	}
}

// withHooks gives a context hooks of its own, so that helpers find them.
func withHooks(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GetConn: func(string) {}, GotConn: func(httptrace.GotConnInfo) {}})
}

// Under Recover, too, the caller's own Retrier is the same one.
func TestRecoverWithCallsInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := open(t, retry.Entry{Key: "lane", Nonce: 7})
		r := newRetrier(t, retry.Config{Nonces: newLane(t)})
		inner := func(ctx context.Context) error {
			return retry.Do(ctx, r, func(context.Context) error { return nil })
		}
		results, err := retry.Recover(t.Context(), r, journal, func(retry.Entry) (retry.Operation[string], bool) {
			return retry.Operation[string]{
				Send: func(ctx context.Context) (string, error) { return "sent", inner(ctx) },
				Verify: func(ctx context.Context) (string, retry.Outcome, error) {
					if err := inner(ctx); err != nil {
						return "", retry.Undecided, err
					}
					return "", retry.Absent, nil
				},
			}, true
		})
		require.NoError(t, err)
		require.Len(t, results, 1)
		require.NoError(t, results[0].Err)
		require.Equal(t, "sent", results[0].Value)
	})
}

// What became of another payment is not what became of this one (M2).
func TestAnotherPaymentsError(t *testing.T) {
	for _, theirs := range []error{
		retry.ErrApplied, retry.ErrOutcomeUnknown, retry.ErrBusy, &retry.Error{Reason: retry.ErrApplied, ID: "another"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &payment{sends: []error{theirs}, looks: []found{absent}}
			_, err := pay(t, t.Context(), retry.Config{}, p)
			e := requireOnly(t, err, retry.ErrUnclassified)
			require.Equal(t, theirs, e.Last)
		})
	}
}

// A key that makes a resend safe is one of the API key's (M10): another one's
// operation is looked up, and not sent.
func TestReplayOnAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{looks: []found{absent}}
		p.changes = func(op *retry.Operation[string]) { op.Idempotent = 24 * time.Hour }
		journal := open(t, retry.Entry{Key: "another", At: time.Now(), First: time.Now()})
		_, err := pay(t, t.Context(), retry.Config{Journal: journal, Key: "lane"}, p)
		requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.Empty(t, p.sent)

		own := &payment{looks: []found{absent}, changes: p.changes}
		journal = open(t, retry.Entry{Key: "lane", At: time.Now(), First: time.Now()})
		_, err = pay(t, t.Context(), retry.Config{Journal: journal, Key: "lane"}, own)
		require.NoError(t, err)
		require.Len(t, own.sent, 1)
		require.Empty(t, own.looked)
	})
}

// Apart hides what the attempt around it carries: its ticket, and its number.
func TestApartHidesTheAttempt(t *testing.T) {
	for where, p := range places {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := p.rig(t)
				type key struct{}
				ctx := context.WithValue(t.Context(), key{}, "the caller's")
				require.NoError(t, p.run(ctx, g.outer, func(ctx context.Context) {
					_, had := nonce.FromContext(ctx)
					require.Equal(t, p.source != "", had)
					apart := retry.Apart(retry.Apart(ctx))
					_, has := nonce.FromContext(apart)
					require.False(t, has)
					_, numbered := retry.AttemptFrom(apart)
					require.False(t, numbered)
					require.Equal(t, "the caller's", apart.Value(key{}))
				}))
			})
		})
	}
	require.Equal(t, t.Context(), retry.Apart(t.Context()), "outside of an attempt it changes nothing")
}

// Inside a call that is apart the rule begins anew.
func TestCallInsideACallApart(t *testing.T) {
	for where, p := range places {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := p.rig(t)
				require.NoError(t, p.run(t.Context(), g.outer, func(ctx context.Context) {
					require.NoError(t, retry.Do(retry.Apart(ctx), g.another, func(ctx context.Context) error {
						require.Equal(t, once, inner(t, func(op func(context.Context) error) error { return retry.Do(ctx, g.another, op) }))
						want := own
						if p.source != "" {
							want = nested // the turn that it would wait for is held further out
						}
						require.Equal(t, want, inner(t, func(op func(context.Context) error) error { return retry.Do(ctx, g.outer, op) }))
						return nil
					}))
				}))
			})
		})
	}
}

// An Absent that Verify learned through Apart does not count (M4), and the error of a
// call apart is no proof (M3).
func TestApartProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := newRetrier(t, retry.Config{Key: "other"})
		p := &payment{sends: []error{errTimeout}, looks: []found{absent}}
		p.onLook = func(ctx context.Context) { require.NoError(t, retry.Do(retry.Apart(ctx), other, always(nil))) }
		_, err := pay(t, t.Context(), retry.Config{Nonces: newLane(t)}, p)
		requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.Len(t, p.sent, 1)

		r := newRetrier(t, retry.Config{Nonces: newLane(t)})
		mixed := &payment{sends: []error{errTimeout}, looks: []found{absent}}
		mixed.onLook = func(ctx context.Context) {
			require.NoError(t, retry.Do(retry.Apart(ctx), other, always(nil)))
			require.NoError(t, retry.Do(ctx, r, always(nil)))
		}
		_, err = retry.DoOnce(t.Context(), r, mixed.operation())
		require.NoError(t, err, "what was asked with the operation's own key counts")
		require.Len(t, mixed.sent, 2)

		refused := &payment{looks: []found{applied}}
		refused.changes = func(op *retry.Operation[string]) {
			op.Send = func(ctx context.Context) (string, error) {
				return "", retry.Do(retry.Apart(ctx), other, always(code(400, "30010")))
			}
		}
		_, err = pay(t, t.Context(), retry.Config{}, refused)
		require.NoError(t, err, "so Verify is asked")
		require.NotEmpty(t, refused.looked)
	})
}
