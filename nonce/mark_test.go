package nonce_test

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

// A mark is far ahead where it is farther than MaxAhead, and not where it is
// as far.
func TestMarkAsFarAheadAsItMayBe(t *testing.T) {
	for over, events := range map[time.Duration]int{-time.Microsecond: 0, 0: 0, time.Microsecond: 1} {
		synctest.Test(t, func(t *testing.T) {
			c := nonce.LaneConfig{Key: "main", MaxAhead: time.Minute, HighWater: filepath.Join(t.TempDir(), "mark")}
			before := c
			before.After = uint64(time.Now().Add(c.MaxAhead + over).UnixMicro())
			require.NoError(t, newLane(t, before).Close())

			heard := 0
			c.OnEvent = func(nonce.Event) { heard++ }
			l := newLane(t, c)
			enter(t, l).Leave()
			require.Equal(t, events, heard, "%v", over)
			require.NoError(t, l.Close())
		})
	}
}

// A line of another kind, whole as it may be, hides none of those after it.
func TestMarkAfterALineOfAnotherKind(t *testing.T) {
	c := nonce.LaneConfig{Key: "main", HighWater: filepath.Join(t.TempDir(), "mark")}
	before := c
	before.After = uint64(time.Now().Add(5 * time.Minute).UnixMicro())
	require.NoError(t, newLane(t, before).Close())
	marks, err := os.ReadFile(c.HighWater)
	require.NoError(t, err)
	const other = "nonces of a later kind"
	text := fmt.Sprintf("%s %08x\n%s", other, crc32.ChecksumIEEE([]byte(other)), marks)
	require.NoError(t, os.WriteFile(c.HighWater, []byte(text), 0o600))

	c.OnEvent = func(e nonce.Event) { t.Errorf("the marks are whole: %v", e) }
	l := newLane(t, c)
	require.Equal(t, before.After, l.Last())
	require.NoError(t, l.Close())
}

// A mark that could not be put in its place is none: no nonce above it is given
// out.
func TestMarkThatIsNotPutInItsPlace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "mark")
	l := newLane(t, nonce.LaneConfig{Key: "main", HighWater: name})
	enter(t, l).Leave()
	require.NoError(t, os.Remove(name))
	require.NoError(t, os.MkdirAll(filepath.Join(name, "in the way"), 0o700))
	nonce.SetClock(l, func() time.Time { return time.Now().Add(time.Hour) })

	_, err := l.Enter(t.Context())
	require.ErrorContains(t, err, "high-water file")
	require.Zero(t, nonce.Load(l))

	require.NoError(t, os.RemoveAll(name))
	enter(t, l).Leave()
	require.NoError(t, l.Close())
}
