package retry_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// FuzzWaits is the arithmetic of delays as a whole: whatever a policy, a server and a deadline say, a call waits as long as
// the server asked, never into its deadline, and never spins.
func FuzzWaits(f *testing.F) {
	f.Add(int64(200e6), int64(5e9), int64(0), int64(30e9), int64(0))
	f.Add(int64(1), int64(1<<62), int64(9223372036854775807), int64(-1), int64(1e9))
	f.Add(int64(-1), int64(0), int64(20e9), int64(90e9), int64(19e9))
	f.Fuzz(func(t *testing.T, initial, most, asked, elapsed, deadline int64) {
		const longest = int64(10 * 365 * 24 * time.Hour) // that package classify reads; the clock ends in 2262
		initial, most, asked = min(initial, longest), min(most, longest), min(asked, longest)
		set, err := policy.New(policy.Table{Default: policy.Policy{
			MaxAttempts: 5, MaxElapsed: time.Duration(elapsed), MaxRetryAfter: policy.None,
			Backoff: policy.Backoff{Initial: time.Duration(initial), Max: time.Duration(most)},
		}})
		if err != nil {
			return
		}
		r, err := retry.New(retry.Config{Policies: set, Budget: retry.NoBudget()})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if deadline > 0 {
				ctx, cancel = context.WithTimeout(ctx, time.Duration(deadline))
			}
			defer cancel()
			began := time.Now()
			var sent []time.Duration
			err := retry.Do(ctx, r, func(context.Context) error {
				sent = append(sent, time.Since(began))
				return &classify.Error{Status: 503, RetryAfter: time.Duration(asked)}
			})
			took := time.Since(began)
			if err == nil || len(sent) == 0 || len(sent) > 5 {
				t.Fatalf("%v after %d sends", err, len(sent))
			}
			for i := range sent[1:] {
				if wait := sent[i+1] - sent[i]; wait < time.Duration(max(asked, 0)) {
					t.Fatalf("asked to wait %v, waited %v", time.Duration(asked), wait)
				}
			}
			if last := sent[len(sent)-1]; took != last || deadline > 0 && took > time.Duration(deadline) {
				t.Fatalf("it ended after %v, the last send was at %v, the deadline at %v", took, last, time.Duration(deadline))
			}
		})
	})
}
