package nonce_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

func TestLimitsThatMakeNoSenseAreRefusedTogether(t *testing.T) {
	_, err := nonce.NewLane(nonce.LaneConfig{
		Key: strings.Repeat("\n", 257), InFlight: math.MaxInt, Unit: math.MinInt64, MaxAhead: math.MinInt64, After: math.MaxUint64,
	})
	require.EqualError(t, err, strings.Join([]string{
		`nonce: LaneConfig.Key is 257 bytes long, more than 256`,
		`nonce: LaneConfig.Key has control characters or is not UTF-8`,
		`nonce: LaneConfig.InFlight 9223372036854775807 is above 1048576`,
		`nonce: LaneConfig.Unit is -2562047h47m16.854775808s: use time.Microsecond or time.Millisecond`,
		`nonce: LaneConfig.MaxAhead -2562047h47m16.854775808s is negative: 0 means 10m0s`,
		`nonce: key "" has no nonce left after 18446744073709551615, the highest is 9007199254740989: ask for a new API key`,
	}, "\n"))
	newLane(t, nonce.LaneConfig{InFlight: 1 << 20, MaxAhead: math.MaxInt64})
}

// FuzzLaneConfig makes lanes of any numbers at all. There is an error, or a lane that works: as many turns at once as were
// asked for, rising nonces, and a way ahead that has an end.
func FuzzLaneConfig(f *testing.F) {
	for _, n := range []int64{0, 1, -1, 2, 1 << 20, 1<<20 + 1, math.MaxInt32, math.MaxInt64, math.MinInt64} {
		f.Add(n, false, int64(0), uint64(0), int64(0))
		f.Add(n, true, int64(time.Microsecond), uint64(n), n)
		f.Add(int64(3), false, n, nonce.MaxNonce-uint64(n), n)
		f.Add(int64(3), n%2 == 0, int64(time.Millisecond), nonce.MaxNonce-2, n)
	}
	f.Fuzz(func(t *testing.T, inFlight int64, adaptive bool, unit int64, after uint64, maxAhead int64) {
		l, err := nonce.NewLane(nonce.LaneConfig{
			Key: "main", InFlight: int(inFlight), Adaptive: adaptive, Unit: time.Duration(unit), After: after, MaxAhead: time.Duration(maxAhead),
		})
		sound := inFlight >= 0 && inFlight <= 1<<20 && maxAhead >= 0 && after < nonce.MaxNonce &&
			(unit == 0 || unit == int64(time.Microsecond) || unit == int64(time.Millisecond))
		if !sound {
			require.Nil(t, l)
			require.ErrorContains(t, err, "nonce: ")
			return
		}
		require.NoError(t, err)
		turns := l.Stats().Limit
		require.GreaterOrEqual(t, turns, 1)
		if !adaptive {
			require.Equal(t, max(int(inFlight), 1), turns)
		}
		var held []*nonce.Ticket
		for range min(turns, 8) {
			ticket, err := l.Enter(t.Context())
			if err != nil { // it began just below the highest
				require.ErrorIs(t, err, nonce.ErrExhausted)
				break
			}
			require.Greater(t, ticket.Nonce(), after)
			require.LessOrEqual(t, ticket.Nonce(), nonce.MaxNonce)
			held = append(held, ticket)
		}
		for len(held) > 1 {
			held[0].Leave()
			held = held[1:]
		}
		for range 3 * len(held) { // somebody else sends on the key
			newer, err := held[0].Resync(t.Context())
			if err != nil {
				break
			}
			require.Greater(t, newer.Nonce(), held[0].Nonce())
			require.LessOrEqual(t, newer.Nonce(), nonce.MaxNonce)
			held[0] = newer
		}
		for _, ticket := range held {
			ticket.Leave()
		}
		s := l.Stats()
		require.GreaterOrEqual(t, s.Ahead, time.Duration(0))
		require.Zero(t, s.InFlight)
		require.Zero(t, nonce.Load(l))
	})
}
