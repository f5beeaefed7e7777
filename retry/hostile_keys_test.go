package retry_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry"
)

// An entry without a key: a replay may go out on another API key
func TestHostileReplayOnUnknownKey(t *testing.T) {
	for _, lane := range []bool{false, true} {
		t.Run(fmt.Sprint(lane), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := open(t, retry.Entry{First: time.Now(), Takes: time.Second})
				cfg := retry.Config{Journal: j, Key: "other account"}
				if lane {
					cfg = retry.Config{Journal: j, Nonces: newLane(t)}
				}
				p := &payment{looks: []found{applied}}
				p.changes = func(o *retry.Operation[string]) { o.Idempotent = 24 * time.Hour }
				_, err := pay(t, t.Context(), cfg, p)
				require.NoError(t, err)
				require.Empty(t, p.sent, "replayed, though nobody knows the API key of the first send")
			})
		})
	}
}

// Takes for ever
func TestHostileTakesForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := open(t, retry.Entry{First: time.Now(), Takes: math.MaxInt64})
		ctx, cancel := context.WithTimeout(t.Context(), 48*time.Hour)
		defer cancel()
		p := &payment{looks: []found{absent}}
		began := time.Now()
		_, err := pay(t, ctx, retry.Config{Journal: j}, p)
		requireOnly(t, err, retry.ErrOutcomeUnknown)
		require.Less(t, time.Since(began), 24*time.Hour)
	})
}

// LookFirst, entry not applied on an old key name, no nonces
func TestHostileLookFirstOldKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := open(t, retry.Entry{Key: "k1", First: time.Now(), Takes: time.Second})
		require.NoError(t, j.End(t.Context(), retry.Entry{ID: "inv-7", Generation: 1, State: retry.EntryNotApplied}))
		p := &payment{looks: []found{absent}}
		p.changes = func(o *retry.Operation[string]) { o.LookFirst = true }
		_, err := pay(t, t.Context(), retry.Config{Journal: j, Key: "k2"}, p)
		require.NoError(t, err)
	})
}

// Nil pointer behind a thousand others
type nilly struct{ inner error }

func (n *nilly) Error() string { return n.inner.Error() }
func (n *nilly) Unwrap() error { return n.inner }

type coder interface {
	error
	ErrorCode() int
}
type embedded struct{ coder }

func TestHostileManyThenNil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var errs []error
		for range 1000 {
			errs = append(errs, errors.New("x"))
		}
		p := &payment{sends: []error{errors.Join(append(errs, (*nilly)(nil))...)}, looks: []found{applied}}
		require.NotPanics(t, func() { _, _ = pay(t, t.Context(), retry.Config{}, p) })
	})
}
func TestHostileEmbeddedNil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{embedded{}}, looks: []found{applied}}
		require.NotPanics(t, func() { _, _ = pay(t, t.Context(), retry.Config{}, p) })
	})
}
func TestHostileEmbeddedNilVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &payment{sends: []error{errTimeout}, looks: []found{{retry.Undecided, embedded{}}, applied}}
		require.NotPanics(t, func() { _, _ = pay(t, t.Context(), retry.Config{}, p) })
	})
}

// B replays, A does not; A's journal fails
type failing struct {
	retry.Journal
	fail atomic.Bool
}

func (f *failing) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if f.fail.Load() {
		return retry.Entry{}, errors.New("down")
	}
	return f.Journal.Begin(ctx, e)
}
func (f *failing) End(ctx context.Context, e retry.Entry) error {
	if f.fail.Load() {
		return errors.New("down")
	}
	return f.Journal.End(ctx, e)
}

// Turn held while the journal hangs
func TestHostileTurnHeldByJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := newLane(t)
		j := &hangBegin{}
		p := &payment{looks: []found{absent}}
		go func() { _, _ = pay(t, t.Context(), retry.Config{Journal: j, Nonces: lane}, p) }()
		time.Sleep(time.Millisecond)
		began := time.Now()
		r := newRetrier(t, retry.Config{Nonces: lane})
		require.NoError(t, retry.Do(t.Context(), r, func(context.Context) error { return nil }))
		t.Log("waited", time.Since(began))
		require.LessOrEqual(t, time.Since(began), 5*time.Second)
		time.Sleep(20 * time.Minute)
	})
}

type hangBegin struct{ retry.MemoryJournal }

func (j *hangBegin) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if e.Generation != retry.ReadGeneration {
		<-ctx.Done()
		return retry.Entry{}, ctx.Err()
	}
	return j.MemoryJournal.Begin(ctx, e)
}

// the same, the caller goes away: then held() hangs too
type hangAll struct {
	retry.MemoryJournal
	n atomic.Int32
}

func (j *hangAll) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if j.n.Add(1) > 1 {
		<-ctx.Done()
		return retry.Entry{}, ctx.Err()
	}
	return j.MemoryJournal.Begin(ctx, e)
}
func TestHostileTurnHeldByJournalCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := newLane(t)
		ctx, cancel := context.WithTimeout(t.Context(), 4900*time.Millisecond)
		defer cancel()
		p := &payment{looks: []found{absent}}
		go func() { _, _ = pay(t, ctx, retry.Config{Journal: &hangAll{}, Nonces: lane}, p) }()
		time.Sleep(time.Millisecond)
		began := time.Now()
		r := newRetrier(t, retry.Config{Nonces: lane})
		require.NoError(t, retry.Do(t.Context(), r, func(context.Context) error { return nil }))
		t.Log("waited", time.Since(began))
		require.LessOrEqual(t, time.Since(began), 5*time.Second)
		time.Sleep(20 * time.Minute)
	})
}

// Goexit everywhere: claims and turn free
func TestHostileGoexit(t *testing.T) {
	for _, where := range []string{"send", "verify", "event", "begin", "end"} {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lane := newLane(t)
				armed := true
				hit := func(w string) {
					if w == where && armed {
						armed = false
						runtime.Goexit()
					}
				}
				j := &exits{hit: hit}
				r := newRetrier(t, retry.Config{Journal: j, Nonces: lane, OnEvent: func(context.Context, retry.Event) { hit("event") }})
				p := &payment{sends: []error{errTimeout}, looks: []found{applied}}
				p.onSend = func(context.Context) { hit("send") }
				p.onLook = func(context.Context) { hit("verify") }
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, _ = retry.DoOnce(t.Context(), r, p.operation())
				}()
				<-done
				require.False(t, armed)
				time.Sleep(2 * time.Second)
				armed = false
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				q := &payment{looks: []found{applied}}
				_, err := retry.DoOnce(ctx, r, q.operation())
				require.NoError(t, err)
				require.LessOrEqual(t, len(p.sent)+len(q.sent), 1+map[string]int{"begin": 1}[where])
			})
		})
	}
}

type exits struct {
	retry.MemoryJournal
	hit func(string)
}

func (j *exits) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if e.Generation != retry.ReadGeneration {
		defer j.hit("begin")
	}
	return j.MemoryJournal.Begin(ctx, e)
}
func (j *exits) End(ctx context.Context, e retry.Entry) error {
	defer j.hit("end")
	return j.MemoryJournal.End(ctx, e)
}
