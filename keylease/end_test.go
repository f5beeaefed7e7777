package keylease

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

// What is returned has to be exact: a key that Close has only begun to take back, so that
// whoever found its lane before may still draw from it, is renewed.
func TestNoKeyIsReturnedBeforeItsLaneIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := New(Config{Store: new(MemoryStore), Keys: []string{"main"}})
		require.NoError(t, err)
		defer l.Close(t.Context())
		synctest.Wait()
		l.mu.Lock()
		h := l.held["main"]
		delete(l.held, "main")
		l.leaving["main"] = h
		l.mu.Unlock()
		r := l.request(true)
		require.Empty(t, r.Return)
		require.Len(t, r.Renew, 1)
		h.end()
		r = l.request(true)
		require.Len(t, r.Return, 1)
		require.Empty(t, r.Renew)
	})
}

// Whoever waits for a nonce while the lease ends is told that the lane is closed, and so
// goes on to another key.
func TestTheEndOfALeaseClosesItsLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := New(Config{Store: new(MemoryStore), Keys: []string{"main"}})
		require.NoError(t, err)
		defer l.Close(t.Context())
		time.Sleep(time.Second)
		l.mu.Lock()
		h := l.held["main"]
		l.mu.Unlock()
		h.end()
		_, _, err = h.reserve(nonce.MaxNonce)
		require.ErrorIs(t, err, nonce.ErrClosed)
		require.EqualError(t, err, `keylease: key "main": its lease is over`)
	})
}
