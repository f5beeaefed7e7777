package retry_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/long"
	"github.com/nexpay-go/resilience/retry"
)

// after one refused nonce every later lookup keeps the turn until it is answered
func TestHostileHoldIsNeverLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := newLane(t)
		n, now := 0, 0
		p := &payment{sends: []error{errTimeout}}
		p.changes = func(o *retry.Operation[string]) {
			o.Verify = func(ctx context.Context) (string, retry.Outcome, error) {
				if n++; n <= 3 {
					return "", retry.Undecided, code(400, "50")
				}
				now++
				time.Sleep(9 * time.Second) // a slow answer, but a fine one
				return "", retry.Undecided, nil
			}
		}
		p.changes2(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = pay(t, t.Context(), retry.Config{Nonces: lane}, p)
		}()
		r := newRetrier(t, retry.Config{Nonces: lane})
		time.Sleep(60 * time.Second)
		var most time.Duration
		for range 60 {
			began := time.Now()
			require.NoError(t, retry.Do(t.Context(), r, func(context.Context) error { return nil }))
			most = max(most, time.Since(began))
			time.Sleep(time.Second)
		}
		t.Log("longest wait of a payment", most)
		<-done
		require.LessOrEqual(t, most, 2*time.Second)
	})
}

func (p *payment) changes2(testing.TB) {}

// entries of three processes at once: every pair of replays and looks, journal with latency
func TestHostileThreeProcesses(t *testing.T) {
	seeds := 1000
	if long.Tests() {
		seeds = 3000
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			j := &latent{d: time.Duration(seed%7) * 700 * time.Millisecond}
			type bank struct {
				sync.Mutex
				at []time.Duration
			}
			start := time.Now()
			var b bank
			errs := make([]error, 3)
			done := make(chan int, 3)
			for i := range 3 {
				go func() {
					defer func() { done <- i }()
					x := seed*31 + i*17
					time.Sleep(time.Duration(x%13) * 3700 * time.Millisecond)
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+x%5*40)*time.Second)
					defer cancel()
					if x%5 == 4 {
						cancel2 := time.AfterFunc(time.Duration(x%11)*time.Second, cancel)
						defer cancel2.Stop()
					}
					r := newRetrier(t, retry.Config{Journal: j, Key: "k"})
					_, errs[i] = retry.DoOnce(ctx, r, retry.Operation[string]{ID: "inv-7", Fingerprint: "f", LookFirst: x%6 == 0,
						Send: func(ctx context.Context) (string, error) {
							switch x % 4 {
							case 0:
								b.Lock()
								b.at = append(b.at, time.Since(start))
								b.Unlock()
								return "ok", nil
							case 1: // late
								time.AfterFunc(time.Duration(x%40)*time.Second, func() { b.Lock(); b.at = append(b.at, time.Since(start)); b.Unlock() })
								return "", errTimeout
							case 2:
								<-ctx.Done()
								return "", ctx.Err()
							}
							return "", code(400, "30010")
						},
						Verify: func(context.Context) (string, retry.Outcome, error) {
							b.Lock()
							defer b.Unlock()
							if len(b.at) > 0 {
								return "v", retry.Applied, nil
							}
							return "", retry.Absent, nil
						}})
				}()
			}
			for range 3 {
				<-done
			}
			time.Sleep(time.Minute)
			b.Lock()
			defer b.Unlock()
			if len(b.at) > 1 {
				t.Errorf("seed %d: paid %d times: %v; %v", seed, len(b.at), b.at, errs)
			}
			for i, err := range errs {
				if err == nil && len(b.at) == 0 {
					t.Errorf("seed %d: process %d says nil", seed, i)
				}
				e := fmt.Sprint(err)
				_ = e
			}
		})
	}
}
