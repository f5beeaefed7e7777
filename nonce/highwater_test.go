package nonce_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

func TestHighWaterOutlivesACrashWithTheClockSetBack(t *testing.T) {
	for _, unit := range []time.Duration{time.Microsecond, time.Millisecond} {
		file := filepath.Join(t.TempDir(), "main.nonce")
		config := nonce.LaneConfig{HighWater: file, Unit: unit}
		l := newLane(t, config)
		c := clockOf(l, 1_000_000_000_000)
		var sent []uint64
		for i := range 100 {
			ticket := enter(t, l)
			sent = append(sent, ticket.Nonce())
			newer, err := ticket.Next(t.Context())
			require.NoError(t, err)
			sent = append(sent, newer.Nonce())
			ticket.Leave()
			c.step(time.Duration(i%7-2) * time.Second)
		}
		nonce.Crash(l)
		next := newLane(t, config)
		clockOf(next, 0)
		sent = append(sent, enter(t, next).Nonce())
		requireRising(t, sent)
		require.Less(t, sent[200]-sent[199], uint64(11*time.Second/unit), "nor far ahead")
		require.NoError(t, next.Close())
	}
}

func TestCloseKeepsTheLastNonceExactly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.nonce")
	l := newLane(t, nonce.LaneConfig{HighWater: file, After: 1 << 52})
	ticket := enter(t, l)
	waiting := arrive(l.Enter)
	for nonce.Load(l) < 2 {
		runtime.Gosched()
	}
	require.NoError(t, l.Close())
	<-waiting.done
	require.ErrorIs(t, waiting.err, nonce.ErrClosed)
	require.NoError(t, l.Close())
	_, err := ticket.Resync(t.Context())
	require.ErrorIs(t, err, nonce.ErrClosed)
	_, err = l.Enter(t.Context())
	require.EqualError(t, err, `nonce: key "main": the lane was closed`)
	ticket.Leave()
	require.Zero(t, nonce.Load(l))

	for range 3 { // that sends nothing forgets nothing
		l = newLane(t, nonce.LaneConfig{HighWater: file})
		require.Equal(t, ticket.Nonce(), l.Last())
		require.NoError(t, l.Close())
	}
	unused := newLane(t, nonce.LaneConfig{HighWater: filepath.Join(t.TempDir(), "unused"), After: 7})
	require.NoError(t, unused.Close())
	bare := newLane(t, nonce.LaneConfig{})
	require.NoError(t, bare.Close())
}

func TestHighWaterFileIsForOneLane(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "main.nonce")
	l := newLane(t, nonce.LaneConfig{HighWater: file})
	enter(t, l).Leave()
	_, err := nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: file})
	require.ErrorIs(t, err, nonce.ErrInUse)
	require.ErrorContains(t, err, `nonce: key "main": high-water file: lock `+file+`.lock: another lane has it open`)

	link := filepath.Join(folder, "link")
	require.NoError(t, os.Symlink(file, link))
	_, err = nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: link})
	require.ErrorIs(t, err, nonce.ErrInUse, "by another name")

	require.NoError(t, l.Close())
	_, err = nonce.NewLane(nonce.LaneConfig{Key: "other", HighWater: file})
	require.ErrorContains(t, err, `it belongs to key "main", counting in 1µs`)
	_, err = nonce.NewLane(nonce.LaneConfig{Key: "main", Unit: time.Millisecond, HighWater: file})
	require.ErrorContains(t, err, "counting in 1µs")
	l = newLane(t, nonce.LaneConfig{HighWater: file})
	require.NoError(t, l.Close(), "those who were refused let go of it")
}

func TestHighWaterFileCannotBeUsed(t *testing.T) {
	folder := t.TempDir()
	_, err := nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: filepath.Join(folder, "none", "file")})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: folder})
	require.Error(t, err)

	var events []nonce.Event
	file := filepath.Join(folder, "main.nonce")
	l := newLane(t, nonce.LaneConfig{HighWater: file, OnEvent: func(e nonce.Event) { events = append(events, e) }})
	require.NoError(t, os.Mkdir(file+".tmp", 0o700))
	_, err = l.Enter(t.Context())
	require.ErrorContains(t, err, "high-water file: open "+file+".tmp")
	require.Zero(t, nonce.Load(l), "no turn without the file")
	require.Len(t, events, 1)
	require.Equal(t, nonce.EventHighWater, events[0].Kind)
	require.Equal(t, err, events[0].Err)
	require.NoError(t, os.Remove(file+".tmp"))
	ticket := enter(t, l)
	ticket.Leave()
	require.NoError(t, l.Close())
}

// Whatever is left of the file, a lane opens, and does not begin below what can still be read.
func TestTornHighWaterFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.nonce")
	const last = uint64(5_000_000_000_000_000)
	l := newLane(t, nonce.LaneConfig{HighWater: file, After: last - 1})
	enter(t, l).Leave()
	require.NoError(t, l.Close())
	good, err := os.ReadFile(file)
	require.NoError(t, err)
	line := len(good) / 2

	open := func(data []byte) (mark uint64, torn bool) {
		t.Helper()
		require.NoError(t, os.WriteFile(file, data, 0o600))
		l := newLane(t, nonce.LaneConfig{HighWater: file, OnEvent: func(e nonce.Event) {
			require.Equal(t, nonce.EventHighWater, e.Kind)
			require.ErrorContains(t, e.Err, "damaged")
			torn = true
		}})
		require.NoError(t, l.Close())
		return l.Last(), torn
	}
	mark, torn := open(good)
	require.EqualValues(t, last, mark)
	require.False(t, torn)
	for cut := range good {
		mark, torn := open(good[:cut])
		require.Equal(t, cut < len(good)-1, torn)
		require.Equal(t, cut >= line-1, mark == last, "cut to %d bytes", cut)
		changed := slices.Clone(good)
		changed[cut] ^= 0x11
		mark, torn = open(changed)
		require.True(t, torn || changed[cut] == ' ' || changed[cut] == '\n', "byte %d", cut)
		require.EqualValues(t, last, mark, "one line is whole")
	}
	mark, torn = open([]byte(strings.Repeat("\x00garbage \xff", 1000)))
	require.Zero(t, mark)
	require.True(t, torn)
}

func TestHighWaterAtTheHighestNonce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.nonce")
	l := newLane(t, nonce.LaneConfig{HighWater: file, After: nonce.MaxNonce - 1})
	enter(t, l).Leave()
	require.NoError(t, l.Close())
	_, err := nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: file})
	require.True(t, errors.Is(err, nonce.ErrExhausted), "%v", err)
}

// A mark far ahead of the clock is obeyed, and reported (N1): somebody's clock was wrong, or is now.
func TestHighWaterMarkFarAheadIsReported(t *testing.T) {
	for years, reported := range map[int]bool{0: false, 30: true} {
		synctest.Test(t, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "main.nonce")
			ahead := uint64(time.Now().AddDate(years, 0, 0).UnixMicro())
			first, err := nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: file, After: ahead})
			require.NoError(t, err)
			ticket, err := first.Enter(t.Context())
			require.NoError(t, err)
			ticket.Leave()
			require.NoError(t, first.Close())

			var events []nonce.Event
			lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: file, OnEvent: func(e nonce.Event) { events = append(events, e) }})
			require.NoError(t, err)
			for range 2 {
				next, err := lane.Enter(t.Context())
				require.NoError(t, err)
				require.Greater(t, next.Nonce(), ahead)
				next.Leave()
			}
			require.Equal(t, reported, len(events) == 1, "once, when it is used")
			if reported {
				require.Equal(t, nonce.EventHighWater, events[0].Kind)
				require.Greater(t, events[0].Ahead, 24*time.Hour)
				require.ErrorContains(t, events[0].Err, "farther ahead of the clock")
			}
			require.NoError(t, lane.Close())
		})
	}
}
