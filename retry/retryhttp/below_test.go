package retryhttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// Inside an attempt of the same Retrier a request that may be repeated is sent once; one
// that may not decides about sending again, and is ErrNested, with nothing sent. In a
// call apart both are requests like any other.
func TestRequestsInsideAnAttempt(t *testing.T) {
	for _, lane := range []bool{false, true} {
		for method, nested := range map[string]bool{"GET": false, "PUT": false, "DELETE": false, "POST": true, "PATCH": true} {
			t.Run(fmt.Sprintf("%s/lane %v", method, lane), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					set, err := policy.Nexpay().With(policy.Table{Default: policy.Policy{MaxAttempts: 1}})
					require.NoError(t, err)
					cfg := retry.Config{Policies: set}
					if lane {
						l, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
						require.NoError(t, err)
						cfg.Nonces = l
					}
					s := answers(says(503, "sorry"))
					r := quick(t, cfg)
					c := client(t, s, func(tr *retryhttp.Transport) { tr.Retrier, tr.AlwaysError = r, true })
					body := ""
					if nested {
						body = "amount=17"
					}
					err = retry.Do(t.Context(), r, func(ctx context.Context) error {
						resp, err := c.Do(request(t, method, body).WithContext(ctx))
						if err == nil {
							err = classify.FromResponse(resp)
						}
						return err
					})
					require.Error(t, err)
					if nested {
						require.ErrorIs(t, err, retry.ErrNested)
						require.Empty(t, s.seen)
					} else {
						require.NotErrorIs(t, err, retry.ErrNested)
						require.Len(t, s.seen, 1)
					}

					other := answers(says(503, "sorry"), says(200, "fine"))
					second := client(t, other)
					require.NoError(t, retry.Do(t.Context(), r, func(ctx context.Context) error {
						resp, err := second.Do(request(t, "GET", "").WithContext(retry.Apart(ctx)))
						if err == nil {
							_ = read(t, resp)
						}
						return err
					}))
					require.Len(t, other.seen, 2, "sent again")
				})
			})
		}
	}
}

// A client below the payment that sends again on its own shows its last answer only:
// whatever that is, what is said of the payment is true (M2, M3).
func TestClientsBelowThatSendAgain(t *testing.T) {
	for name, first := range map[string]func(n int, w http.ResponseWriter) bool{
		"500": status(500), "502": status(502), "503": status(503), "504": status(504), "429": status(429), "408": status(408),
		"hangs up": func(n int, w http.ResponseWriter) bool {
			if n != 1 {
				return false
			}
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = conn.Close()
			}
			return true
		},
	} {
		for what, outcome := range map[string]retry.Outcome{"found": retry.Applied, "not found out": retry.Undecided} {
			t.Run(name+", "+what, func(t *testing.T) {
				reg := newRegister(t, first)
				base := &http.Transport{}
				defer base.CloseIdleConnections()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				_, err := retry.DoOnce(ctx, retrier(t, retry.Config{Journal: new(retry.MemoryJournal)}), retry.Operation[int]{
					ID:   "inv-7",
					Send: func(ctx context.Context) (int, error) { return 1, persistent(ctx, base, reg.URL, "p") },
					Verify: func(context.Context) (int, retry.Outcome, error) {
						if outcome == retry.Undecided {
							cancel()
						}
						return 1, outcome, nil
					},
				})
				if outcome == retry.Applied {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
				}
				posts, executed := reg.count("p")
				require.Equal(t, [2]int{2, 1}, [2]int{posts, executed})
			})
		}
	}
}

func status(code int) func(int, http.ResponseWriter) bool {
	return func(n int, w http.ResponseWriter) bool {
		if n == 1 {
			w.WriteHeader(code)
		}
		return n == 1
	}
}

// persistent sends up to three times, as retrying clients do, until there is an answer
// that is neither a 5xx nor a request to wait.
func persistent(ctx context.Context, base http.RoundTripper, url, text string) (err error) {
	c := &http.Client{Transport: base}
	for range 3 {
		err = submit(ctx, c, url, text, "")
		e := (*classify.Error)(nil)
		if errors.As(err, &e) && e.Status < 500 && e.Status != http.StatusTooManyRequests && e.Status != http.StatusRequestTimeout {
			return err
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}
