package nonce_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/internal/long"
	"github.com/nexpay-go/resilience/nonce"
)

var errCrash = errors.New("the process has ended")

// crashes is a lane that crashes and begins anew, on a clock of its own and a disk that outlives it.
type crashes struct {
	memory
	config  nonce.LaneConfig
	now     time.Time
	highest uint64 // nonce that was given out
	latest  uint64 // the clock, at the latest
	draws   uint64
}

func (c *crashes) unit() time.Duration {
	if c.config.Unit == 0 {
		return time.Microsecond
	}
	return c.config.Unit
}

func (c *crashes) begin(t require.TestingT) *nonce.Lane {
	l := c.lane(t, c.config)
	nonce.SetClock(l, func() time.Time { return c.now })
	return l
}

// draw takes a turn. It reports false if the process ended meanwhile.
func (c *crashes) draw(t require.TestingT, l *nonce.Lane) bool {
	c.draws++
	c.latest = max(c.latest, uint64(c.now.UnixNano()/int64(c.unit())))
	ticket, err := l.Enter(context.Background())
	if errors.Is(err, errCrash) {
		return false
	}
	require.NoError(t, err)
	require.Greater(t, ticket.Nonce(), c.highest, "N1")
	require.LessOrEqual(t, ticket.Nonce(), c.mark(), "given out before it was durable")
	c.highest = ticket.Nonce()
	ticket.Leave()
	return true
}

// near checks that the mark is within a block of the clock, or of what a lane that never crashed would have come to, and
// twice that for what it used ahead of the clock.
func (c *crashes) near(t require.TestingT) {
	block := uint64(10 * time.Second / c.unit())
	require.LessOrEqual(t, c.mark(), max(c.latest, c.config.After)+block+2*c.draws)
}

func TestMarkStaysNearTheClockOverCrashes(t *testing.T) {
	for _, unit := range []time.Duration{time.Microsecond, time.Millisecond} {
		for _, draws := range []int{0, 1, 2, 100} {
			for _, interval := range []time.Duration{0, time.Microsecond, 50 * time.Millisecond, time.Second, 11 * time.Second, -time.Millisecond} {
				t.Run(fmt.Sprint(unit, draws, interval), func(t *testing.T) {
					c := &crashes{config: nonce.LaneConfig{Unit: unit}, now: time.Unix(1_800_000_000, 0)}
					lives := 25
					if interval == 0 && draws == 1 { // the worst
						lives *= 10
					}
					if long.Tests() {
						lives *= 4
					}
					for range lives {
						l := c.begin(t)
						for range draws {
							require.True(t, c.draw(t, l))
						}
						nonce.Crash(l)
						c.near(t)
						c.now = c.now.Add(interval)
					}
					require.LessOrEqual(t, c.writes, lives*8, "the file is not written for every nonce")
				})
			}
		}
	}
}

// A life after a crash begins ahead of the clock, and soon writes as seldom as any other.
func TestWritesAfterACrash(t *testing.T) {
	for _, unit := range []time.Duration{time.Microsecond, time.Millisecond} {
		c := &crashes{config: nonce.LaneConfig{Unit: unit}, now: time.Unix(1_800_000_000, 0)}
		nonce.Crash(func() *nonce.Lane { l := c.begin(t); c.draw(t, l); return l }())
		l := c.begin(t)
		c.writes = 0
		for range 6_000 { // a minute
			c.draw(t, l)
			c.now = c.now.Add(10 * time.Millisecond)
		}
		t.Logf("%v: %d writes", unit, c.writes)
		require.Less(t, c.writes, 35)
		require.NoError(t, l.Close())
	}
}

func TestCrashesAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &crashes{now: time.Unix(1_800_000_000, 0), config: nonce.LaneConfig{
			Unit: rapid.SampledFrom([]time.Duration{time.Microsecond, time.Millisecond}).Draw(t, "unit"),
		}}
		if rapid.Bool().Draw(t, "ahead") {
			c.config.After = uint64(c.now.Add(time.Hour).UnixNano() / int64(c.unit()))
		}
		step := rapid.OneOf(rapid.Int64Range(-int64(time.Minute), int64(time.Minute)), rapid.Int64Range(-10_000, 10_000), rapid.Just(int64(0)))
		for range rapid.IntRange(1, 30).Draw(t, "lives") {
			atWrite, renamed := rapid.IntRange(-1, 4).Draw(t, "crash at write"), rapid.Bool().Draw(t, "renamed")
			c.onWrite = func(text string) error {
				if atWrite--; atWrite != -1 {
					c.text = text
					return nil
				}
				if renamed { // and the process ends before anybody has heard
					c.text = text
				}
				return errCrash
			}
			l := c.begin(t)
			for range rapid.IntRange(0, 40).Draw(t, "draws") {
				if !c.draw(t, l) {
					break
				}
				c.now = c.now.Add(time.Duration(step.Draw(t, "step")))
			}
			nonce.Crash(l)
			c.near(t)
			c.now = c.now.Add(time.Duration(step.Draw(t, "down")))
		}
		l := c.begin(t)
		c.onWrite = nil
		require.True(t, c.draw(t, l))
		require.NoError(t, l.Close())
		require.Equal(t, c.highest, c.mark(), "Close gives back what was set aside")
	})
}

// What a crash leaves beside the file is no part of it.
func TestCrashBeforeTheRename(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.nonce")
	l := newLane(t, nonce.LaneConfig{HighWater: file})
	last := enter(t, l)
	last.Leave()
	nonce.Crash(l)
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	for cut := range len(whole) {
		require.NoError(t, os.WriteFile(file+".tmp", whole[:cut], 0o600))
		l := newLane(t, nonce.LaneConfig{HighWater: file, OnEvent: func(e nonce.Event) { t.Error(e) }})
		require.Greater(t, l.Last(), last.Nonce())
		if cut == len(whole)-1 {
			enter(t, l).Leave()
		}
		nonce.Crash(l)
	}
	require.NoFileExists(t, file+".tmp")
}
