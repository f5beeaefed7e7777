package main

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// Waits of centuries, and more sends than anybody counts: no instant is negative or before the one that it follows, and
// all of it can be printed and drawn.
func TestScheduleAtTheExtremes(t *testing.T) {
	for _, attempts := range []int{policy.None, 1, 2, 30, math.MaxInt} {
		for _, elapsed := range []time.Duration{policy.None, 1, math.MaxInt64} {
			for _, initial := range []time.Duration{policy.None, 1, time.Second, 100 * 365 * 24 * time.Hour, math.MaxInt64} {
				for _, jitter := range []policy.Jitter{policy.JitterFull, policy.JitterEqual, policy.JitterNone} {
					p := policy.Policy{MaxAttempts: attempts, MaxElapsed: elapsed, Cost: policy.None, MaxRetryAfter: math.MaxInt64,
						Backoff: policy.Backoff{Initial: initial, Multiplier: 1e9, Jitter: jitter}}
					set, err := policy.New(policy.Table{Catalog: classify.Nexpay(), Default: p})
					if err != nil {
						require.Equal(t, policy.None, attempts, "%v", err)
						continue
					}
					for _, code := range []classify.Code{-32603, 50, 30010, 100} {
						e := set.Explain(code)
						sends := schedule(e)
						require.LessOrEqual(t, len(sends), mostSends)
						for i, s := range sends {
							require.GreaterOrEqual(t, s.earliest, time.Duration(0))
							require.GreaterOrEqual(t, s.latest, s.earliest)
							require.True(t, i == 0 || s.earliest >= sends[i-1].earliest && s.latest >= sends[i-1].latest)
						}
						var out bytes.Buffer
						(&screen{Writer: &out}).schedule(e, sends)
						require.NotContains(t, out.String(), " -", "of a duration")
						_, err := drawSchedule(e, sends)
						require.NoError(t, err)
					}
				}
			}
		}
	}
}
