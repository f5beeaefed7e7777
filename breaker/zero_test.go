package breaker_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

// The zero Breaker is that of the zero Config, whatever is called first.
func TestZeroBreaker(t *testing.T) {
	for name, first := range map[string]func(b *breaker.Breaker){
		"Acquire": func(b *breaker.Breaker) { _, _ = b.Acquire() },
		"Check":   func(b *breaker.Breaker) { _ = b.Check() },
		"State":   func(b *breaker.Breaker) { _ = b.State() },
		"Stats":   func(b *breaker.Breaker) { _ = b.Stats() },
		"RetryIn": func(b *breaker.Breaker) { _ = b.RetryIn() },
		"Isolate": func(b *breaker.Breaker) { b.Isolate("fire"); b.Reset() },
		"Reset":   func(b *breaker.Breaker) { b.Reset() },
		"Name":    func(b *breaker.Breaker) { _ = b.Name() },
	} {
		t.Run(name, func(t *testing.T) {
			b := new(breaker.Breaker)
			first(b)
			require.Equal(t, breaker.Closed, b.State())
			for range 6 {
				require.NoError(t, b.Check())
				lease, err := b.Acquire()
				require.NoError(t, err)
				lease.Done(breaker.Failure)
			}
			require.ErrorIs(t, b.Check(), breaker.ErrOpen)
		})
	}
}

// Many may be the first.
func TestZeroBreakerAtOnce(t *testing.T) {
	b := new(breaker.Breaker)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			lease, err := b.Acquire()
			if err == nil {
				lease.Done(breaker.Success)
			}
			_, _ = b.Name(), b.Stats()
		})
	}
	group.Wait()
	require.Equal(t, uint64(8), b.Stats().Calls)
}
