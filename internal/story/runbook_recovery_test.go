package story_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// recoveries do what the runbook says is to be done first, and look for what it says that
// is to be seen afterwards.
var recoveries = map[string]func(*testing.T){
	"The outcome is unknown": func(t *testing.T) {
		s := onShift(t, func(_ *shift, cfg *retry.Config) { cfg.Journal = new(retry.MemoryJournal) })
		require.NoError(t, s.balance(t.Context()))
		payment := s.payment()
		s.bank.Script(nexpaytest.Fault{Execute: true, Status: 502})
		end := s.bank.AddRule(nexpaytest.Rule{Fault: nexpaytest.Fault{Status: 503, HTML: true}})
		err := s.pay(payment)
		require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
		e, _ := errors.AsType[*retry.Error](err)
		require.NotEmpty(t, e.Doubt.Trace)
		end()
		require.NoError(t, s.pay(payment), "the same operation again, with the same journal")
		require.Contains(t, s.log.String(), "out of doubt")
		require.Equal(t, 1, s.bank.Executed("inv-7"))
	},
	"The key is locked": func(t *testing.T) {
		s := onShift(t, nil)
		s.bank.SetState(testKey.ID, nexpaytest.Locked)
		require.ErrorIs(t, s.balance(t.Context()), retry.ErrFatal)
		s.bank.SetState(testKey.ID, nexpaytest.Enabled)
		require.ErrorIs(t, s.balance(t.Context()), retry.ErrLockedOut, "nobody has unlocked it here")
		require.True(t, s.retrier.Lockout().Unlock("main"))
		require.Empty(t, s.retrier.Lockout().Locked())
		require.NoError(t, s.balance(t.Context()))
	},
	"The breaker is open": func(t *testing.T) {
		for _, byHand := range []bool{false, true} {
			s := onShift(t, func(s *shift, cfg *retry.Config) { cfg.Breaker = s.breaker })
			end := s.bank.AddRule(nexpaytest.Rule{Fault: nexpaytest.Fault{Status: 503, RetryAfter: "60"}})
			for range 6 {
				_ = s.balance(t.Context())
			}
			end()
			require.ErrorIs(t, s.balance(t.Context()), retry.ErrOpen)
			if byHand {
				s.breaker.Reset()
			} else {
				time.Sleep(time.Minute)
			}
			require.NoError(t, s.balance(t.Context()))
			require.Equal(t, breaker.Closed, s.breaker.State())
		}
	},
	"The retry budget is empty": func(t *testing.T) {
		s := onShift(t, nil)
		end := s.bank.AddRule(nexpaytest.Rule{Fault: nexpaytest.Fault{Code: "-32603"}})
		var err error
		for !errors.Is(err, retry.ErrBudget) {
			err = s.balance(t.Context())
		}
		end()
		left := s.retrier.Budget().Tokens()
		require.NoError(t, s.balance(t.Context()), "calls are made all the same")
		require.Greater(t, s.retrier.Budget().Tokens(), left)
		time.Sleep(5 * time.Minute)
		require.Equal(t, 100, s.retrier.Budget().Tokens(), "without any success")
	},
	"The nonce is refused": func(t *testing.T) {
		s := onShift(t, nil)
		s.bank.SetLastNonce(testKey.ID, uint64(time.Now().Add(5*time.Second).UnixMicro()))
		require.ErrorIs(t, s.balance(t.Context()), retry.ErrResync)
		foreign := s.lane.Stats().Foreign
		require.Positive(t, foreign)
		require.Positive(t, s.lane.Stats().Ahead)
		time.Sleep(5*time.Second + time.Microsecond)
		refusals := s.lane.Stats().Refusals
		for range 10 {
			require.NoError(t, s.balance(t.Context()))
		}
		require.Equal(t, []uint64{foreign, refusals}, []uint64{s.lane.Stats().Foreign, s.lane.Stats().Refusals})
	},
	"The journal fails": func(t *testing.T) {
		disk := &fullDisk{begins: true}
		s := onShift(t, func(_ *shift, cfg *retry.Config) { cfg.Journal = disk })
		payment := s.payment()
		require.ErrorIs(t, s.pay(payment), retry.ErrOutcomeUnknown)
		require.NotEmpty(t, s.retrier.Stats().JournalError)
		disk.begins, disk.ends = false, true
		require.NoError(t, s.pay(payment))
		disk.ends = false
		open := 0
		for e, err := range disk.Pending(t.Context()) {
			require.NoError(t, err)
			require.Equal(t, "inv-7", e.ID)
			open++
		}
		require.Equal(t, 1, open, "what was made is still open")
		_, err := retry.Recover(t.Context(), s.retrier, disk, func(retry.Entry) (retry.Operation[status], bool) { return s.operation(payment), true })
		require.NoError(t, err)
		for range disk.Pending(t.Context()) {
			t.Error("still open")
		}
		require.Empty(t, s.retrier.Stats().JournalError)
		require.Equal(t, 1, s.bank.Executed("inv-7"))
	},
	"A code without a rule": func(t *testing.T) {
		s := onShift(t, nil)
		maintenance := nexpaytest.Fault{Code: "150", Status: 400}
		s.bank.Script(maintenance)
		require.ErrorIs(t, s.balance(t.Context()), retry.ErrFixAndResend)
		require.Equal(t, classify.Code("150"), s.retrier.Stats().Unknown[0].Code)
		catalog, err := classify.Nexpay().With(classify.Rule{Codes: "150", Name: "Under maintenance", Class: classify.Retryable})
		require.NoError(t, err)
		policies, err := policy.Nexpay().With(policy.Table{Catalog: catalog})
		require.NoError(t, err)
		require.NoError(t, s.retrier.Reload(policies))
		require.Empty(t, s.retrier.Stats().Unknown)
		s.bank.Script(maintenance)
		require.NoError(t, s.balance(t.Context()), "it is waited out")
	},
	"A request is not sent again": func(t *testing.T) {
		s := onShift(t, nil)
		payment := s.payment()
		s.bank.Script(nexpaytest.Fault{Execute: true, Status: 502})
		_, err := retry.DoValue(t.Context(), s.retrier, payment.Send, retry.Resend(retry.ResendOnProof))
		require.ErrorIs(t, err, retry.ErrDoubt)
		e, _ := errors.AsType[*retry.Error](err)
		require.False(t, e.Repeatable())
		found, err := retry.DoValue(t.Context(), s.retrier, func(ctx context.Context) (retry.Outcome, error) {
			_, found, err := payment.Verify(ctx)
			return found, err
		})
		require.NoError(t, err)
		require.Equal(t, retry.Applied, found)
		require.Equal(t, 1, s.bank.Executed("inv-7"))
	},
	"The call ended before its deadline": func(t *testing.T) {
		s := onShift(t, nil)
		for seconds, want := range map[time.Duration]error{30: retry.ErrDeadline, 60: nil} {
			ctx, cancel := context.WithTimeout(t.Context(), seconds*time.Second)
			s.bank.Script(nexpaytest.Fault{Status: 429, RetryAfter: "45"})
			err := s.balance(ctx)
			require.ErrorIs(t, err, want)
			if e, ok := errors.AsType[*retry.Error](err); ok {
				require.Equal(t, 45*time.Second, e.RetryIn())
			}
			cancel()
		}
	},
}

func TestRunbookHelps(t *testing.T) {
	require.Len(t, recoveries, len(incidents))
	for title, recovery := range recoveries {
		require.Contains(t, incidents, title)
		t.Run(title, func(t *testing.T) { synctest.Test(t, recovery) })
	}
}
