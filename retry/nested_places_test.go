package retry_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
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
