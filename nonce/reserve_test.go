package nonce_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/nonce/noncetest"
)

// Whatever the clock, the callers and who grants do: no nonce is above what was granted.
func TestReserveIsNeverPassed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			var granted, asked atomic.Uint64
			var inside atomic.Int32
			extra := rapid.Uint64Range(0, 5_000_000).Draw(rt, "granted beyond")
			fails := rapid.IntRange(0, 3).Draw(rt, "one in so many fails")
			l := newLane(t, nonce.LaneConfig{InFlight: rapid.IntRange(1, 4).Draw(rt, "in flight"), Reserve: func(upTo uint64) (uint64, time.Time, error) {
				require.EqualValues(t, 1, inside.Add(1), "by one at a time")
				defer inside.Add(-1)
				require.Greater(t, upTo, granted.Load(), "only for more than was granted")
				time.Sleep(time.Millisecond)
				if n := asked.Add(1); fails > 0 && int(n)%(fails+1) == 0 {
					return 0, time.Time{}, errors.New("no")
				}
				granted.Store(upTo + extra)
				return upTo + extra, time.Time{}, nil
			}})
			var all sync.WaitGroup
			for range rapid.IntRange(1, 6).Draw(rt, "callers") {
				all.Go(func() {
					for range 10 {
						ticket, err := l.Enter(t.Context())
						if err != nil {
							continue
						}
						require.LessOrEqual(t, ticket.Nonce(), granted.Load())
						time.Sleep(300 * time.Millisecond)
						if newer, err := ticket.Resync(t.Context()); err == nil {
							require.LessOrEqual(t, newer.Nonce(), granted.Load())
						}
						ticket.Leave()
					}
				})
			}
			all.Wait()
			require.Zero(t, nonce.Load(l))
		})
	})
}

func TestReserveKeepsTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		noncetest.Run(t, newLane(t, nonce.LaneConfig{Reserve: func(upTo uint64) (uint64, time.Time, error) { return upTo + 1000, time.Time{}, nil }}))
	})
}

// vouched is an error whose text may be shown.
type vouched string

func (v vouched) Error() string     { return "secret" }
func (v vouched) SafeError() string { return string(v) }

func TestReserveFails(t *testing.T) {
	gone := errors.New("postgres://user:secret@db/ is gone")
	for _, tt := range []struct {
		name    string
		reserve func(upTo uint64) (uint64, time.Time, error)
		want    string
	}{
		{"an error", func(uint64) (uint64, time.Time, error) { return 0, time.Time{}, gone }, `nonce: key "main": Reserve: an error of type *errors.errorString, whose text is hidden because it has no method SafeError() string`},
		{"one that may be shown", func(uint64) (uint64, time.Time, error) { return 0, time.Time{}, vouched("the lease is over") }, `nonce: key "main": Reserve: the lease is over`},
		{"less than was asked for", func(uint64) (uint64, time.Time, error) { return 5, time.Time{}, nil }, `nonce: key "main": Reserve: it granted 5, less than the `},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLane(t, nonce.LaneConfig{Key: "main", Reserve: tt.reserve})
				for range 2 { // asked anew
					_, err := l.Enter(t.Context())
					require.ErrorContains(t, err, tt.want)
					require.NotContains(t, err.Error(), "secret")
				}
				if tt.name == "an error" {
					_, err := l.Enter(t.Context())
					require.ErrorIs(t, err, gone)
				}
				require.Zero(t, nonce.Load(l), "nobody holds a turn")
			})
		})
	}
}

// A Reserve that does not return holds no turn and no lock: it granted nothing, and the next turn asks it again.
func TestReserveDoesNotReturn(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("secret") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			log := slog.Default()
			defer slog.SetDefault(log)
			var said strings.Builder
			slog.SetDefault(slog.New(slog.NewTextHandler(&said, nil)))
			synctest.Test(t, func(t *testing.T) {
				fails := 2
				l := newLane(t, nonce.LaneConfig{Key: "main", InFlight: 3, Reserve: func(upTo uint64) (uint64, time.Time, error) {
					time.Sleep(time.Millisecond)
					if fails--; fails >= 0 {
						end()
					}
					return upTo, time.Time{}, nil
				}})
				for range 2 {
					var all sync.WaitGroup
					for range 3 { // who waits for one grant hears of it
						all.Go(func() {
							_, err := l.Enter(t.Context())
							require.EqualError(t, err, `nonce: key "main": Reserve: it panicked or called runtime.Goexit`)
						})
					}
					all.Wait()
				}
				require.Zero(t, nonce.Load(l), "nobody holds a turn")
				enter(t, l).Leave()
				require.NoError(t, l.Close())
			})
			require.Equal(t, name == "panic", strings.Contains(said.String(), "nonce.LaneConfig.Reserve"))
			require.NotContains(t, said.String(), "secret")
		})
	}
}

// A grant that ends is asked for anew from then on, also by a turn under way, however many nonces are left.
func TestReserveUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, over := 0, errors.New("over")
		l := newLane(t, nonce.LaneConfig{Key: "main", After: uint64(time.Now().Add(time.Hour).UnixMicro()), Reserve: func(uint64) (uint64, time.Time, error) {
			if asked++; asked > 2 {
				return 0, time.Time{}, over
			}
			return nonce.MaxNonce, time.Now().Add(time.Second), nil
		}})
		for i, wait := range []time.Duration{0, time.Second - 1, 1} {
			time.Sleep(wait)
			enter(t, l).Leave()
			require.Equal(t, []int{1, 1, 2}[i], asked)
		}
		time.Sleep(time.Second - 1)
		ticket := enter(t, l)
		time.Sleep(time.Nanosecond)
		_, err := ticket.Resync(t.Context())
		require.ErrorIs(t, err, over)
		ticket.Leave()
		_, err = l.Enter(t.Context())
		require.ErrorIs(t, err, over)
		require.Zero(t, nonce.Load(l), "nobody holds a turn")
	})
}

// Who waits for a grant waits no longer than it wants to, nor than the lane is open.
func TestReserveTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan uint64)
		var events []nonce.Event
		l := newLane(t, nonce.LaneConfig{
			Key: "main", Reserve: func(uint64) (uint64, time.Time, error) { return <-answer, time.Time{}, nil },
			OnEvent: func(e nonce.Event) { events = append(events, e) },
		})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := l.Enter(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "while its nonces were reserved")
		synctest.Wait()
		require.Len(t, events, 1, "that it takes more than a second is told, once")
		require.ErrorContains(t, events[0].Err, "it has not answered yet")

		entered := make(chan error)
		go func() {
			_, err := l.Enter(t.Context())
			entered <- err
		}()
		synctest.Wait()
		answer <- nonce.MaxNonce
		require.NoError(t, <-entered)

		closed := newLane(t, nonce.LaneConfig{Key: "main", Reserve: func(uint64) (uint64, time.Time, error) { return <-answer, time.Time{}, nil }})
		go func() {
			_, err := closed.Enter(t.Context())
			entered <- err
		}()
		synctest.Wait()
		require.NoError(t, closed.Close())
		require.ErrorIs(t, <-entered, nonce.ErrClosed)
		answer <- nonce.MaxNonce // too late
	})
}

func TestReserveOrHighWater(t *testing.T) {
	_, err := nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: "file", Reserve: func(n uint64) (uint64, time.Time, error) { return n, time.Time{}, nil }})
	require.EqualError(t, err, "nonce: LaneConfig.Reserve and HighWater exclude each other: set only one of them")
}

func TestReserveAllocatesNothingMore(t *testing.T) {
	plain := newLane(t, nonce.LaneConfig{})
	reserved := newLane(t, nonce.LaneConfig{Reserve: func(uint64) (uint64, time.Time, error) { return nonce.MaxNonce, time.Time{}, nil }})
	enter(t, reserved).Leave()
	for _, l := range []*nonce.Lane{plain, reserved} {
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { enter(t, l).Leave() }), 1.0)
	}
}
