package retry_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry"
)

// slowJournal stores a Begin at once, and takes its time to say so.
type slowJournal struct {
	retry.MemoryJournal
	takes time.Duration
}

func (j *slowJournal) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	held, err := j.MemoryJournal.Begin(ctx, e)
	if e.Generation != retry.ReadGeneration {
		time.Sleep(j.takes)
	}
	return held, err
}

// What is found open may be sent any time after: its Begin may still be under way,
// and takes up to 5 s before an attempt of up to 10 s. Only lookups after that count.
func TestOpenElsewhereMayStillBeBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := open(t, retry.Entry{Key: "lane", Nonce: 7})
		p := &payment{looks: []found{absent}}
		_, err := pay(t, t.Context(), retry.Config{Journal: journal, Nonces: newLane(t)}, p)
		require.NoError(t, err)
		require.Len(t, p.sent, 1)
		var counted []time.Duration
		for _, at := range p.looked {
			if at >= 15*time.Second {
				counted = append(counted, at)
			}
		}
		require.GreaterOrEqual(t, len(counted), 2)
		require.Equal(t, counted[0]+40*time.Second, p.sent[0])
	})
}

// The same in one piece: two processes, and a journal that is slow to answer the
// first. The second does not send what the first has not sent yet.
func TestSlowBeginIsNotOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := &slowJournal{takes: 4 * time.Second}
		var arrived atomic.Int64 // since begun, 0: not yet
		begun := time.Now()
		first := &payment{sends: []error{errTimeout}, looks: []found{undecided}}
		first.onSend = func(ctx context.Context) { // which arrives Settle after it has given up
			<-ctx.Done()
			time.AfterFunc(time.Second, func() { arrived.Store(int64(time.Since(begun))) })
		}
		first.changes = func(op *retry.Operation[string]) { op.Settle, op.GiveUp = time.Second, 2*time.Second }
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, err := pay(t, t.Context(), retry.Config{Journal: journal}, first)
			requireOnly(t, err, retry.ErrOutcomeUnknown)
		}()
		time.Sleep(time.Millisecond)
		second := &payment{}
		second.changes = func(op *retry.Operation[string]) {
			op.Settle, op.GiveUp = time.Second, time.Minute
			op.Verify = func(context.Context) (string, retry.Outcome, error) {
				if arrived.Load() > 0 {
					return "verified", retry.Applied, nil
				}
				return "", retry.Absent, nil
			}
		}
		value, err := pay(t, t.Context(), retry.Config{Journal: journal}, second)
		<-done
		require.NoError(t, err)
		require.Equal(t, "verified", value)
		require.Empty(t, second.sent)
		require.EqualValues(t, 15*time.Second, arrived.Load())
	})
}

// A journal that does not mind its context is found out: what it says too late is
// no leave to send any more.
func TestBeginThatTakesTooLong(t *testing.T) {
	for takes, sent := range map[time.Duration]int{5 * time.Second: 1, 5*time.Second + 1: 0} {
		synctest.Test(t, func(t *testing.T) {
			p := &payment{}
			_, err := pay(t, t.Context(), retry.Config{Journal: &slowJournal{takes: takes}}, p)
			require.Len(t, p.sent, sent)
			if sent > 0 {
				require.NoError(t, err)
				return
			}
			e := requireOnly(t, err, retry.ErrOutcomeUnknown)
			require.ErrorContains(t, e.Doubt.Blocked, "Begin took too long")
		})
	}
}
