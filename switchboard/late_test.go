package switchboard

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

// A change that this Board has made is no news where the Lockout tells of it late, as some
// other goroutine was telling: put again it would undo what was said since.
func TestALateEchoIsNoNews(t *testing.T) {
	b, err := New(t.Context(), Config{Store: new(MemoryStore), Lockout: new(breaker.Lockout)})
	require.NoError(t, err)
	b.Close()
	for _, on := range []bool{true, false} {
		b.apply(Entry{Kind: Key, Name: "main", On: on})
		b.observe(breaker.LockoutChange{Key: "main", Locked: on})
		require.Empty(t, b.unwritten())
	}
	for _, on := range []bool{true, false, true} {
		b.observe(breaker.LockoutChange{Key: "main", Locked: on})
		require.Equal(t, on, b.unwritten()[name{Key, "main"}].On)
	}
	b.observe(breaker.LockoutChange{Key: "locked before"})
	require.Len(t, b.unwritten(), 2)
}
