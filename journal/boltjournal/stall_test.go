package boltjournal_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/boltjournal"
	"github.com/nexpay-go/resilience/retry"
)

// endsWhenWaited is a context that ends when it is waited for the second time:
// by the caller for whom a commit is under way.
type endsWhenWaited struct {
	context.Context
	cancel context.CancelFunc
	waited atomic.Int64
}

func (c *endsWhenWaited) Done() <-chan struct{} {
	if c.waited.Add(1) == 2 {
		c.cancel()
	}
	return c.Context.Done()
}

func newEndsWhenWaited(t *testing.T) *endsWhenWaited {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return &endsWhenWaited{Context: ctx, cancel: cancel}
}

// soon fails the test if f does not return.
func soon(t *testing.T, f func() error) (err error) {
	t.Helper()
	returned := make(chan error, 1)
	go func() { returned <- f() }()
	select {
	case err = <-returned:
	case <-time.After(20 * time.Second):
		require.FailNow(t, "the disk keeps the caller")
	}
	return err
}

func stalled(t *testing.T, j *boltjournal.Journal) (free func()) {
	t.Helper()
	free, err := j.Stall()
	require.NoError(t, err)
	free = sync.OnceFunc(free)
	t.Cleanup(free)
	return free
}

// The caller for whom the disk is at work goes away in time, and so do those who
// wait for their turn. The same Begin once more finds out what became of the first.
func TestDiskStalls(t *testing.T) {
	t.Parallel()
	j := open(t, newPath(t))
	free := stalled(t, j)
	first := func(ctx context.Context) error {
		_, err := j.Begin(ctx, sample("p-1"))
		return err
	}
	require.ErrorIs(t, soon(t, func() error { return first(newEndsWhenWaited(t)) }), context.Canceled)
	require.ErrorIs(t, soon(t, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		return first(ctx)
	}), context.DeadlineExceeded)
	held, err := read(j, "p-1")
	require.NoError(t, err, "reading goes on")
	require.Zero(t, held)

	free()
	held, err = j.Begin(t.Context(), sample("p-1"))
	require.NoError(t, err)
	want := sample("p-1")
	want.Generation = 1
	require.Equal(t, want, held, "stored once, by either")
}

func TestDiskStallsAtTheEnd(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	j := open(t, path)
	e := begin(t, j, "p-1")
	e.State = retry.EntryApplied
	free := stalled(t, j)
	require.ErrorIs(t, soon(t, func() error { return j.End(newEndsWhenWaited(t), e) }), context.Canceled)
	free()
	require.NoError(t, j.Close(), "waits for what was begun")
	held, err := read(open(t, path), "p-1")
	require.NoError(t, err)
	if held.State != retry.EntryApplied {
		require.Equal(t, retry.EntryOpen, held.State)
	}
}
