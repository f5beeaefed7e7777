package retry

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// contexts are ours and one of package context that was made alike, and what was made
// from them.
type contexts struct {
	parent     context.CancelCauseFunc
	ours       *timed
	theirs     context.Context
	cancel     context.CancelFunc
	stops      []context.CancelFunc
	children   [][2]context.Context
	afterwards [2]atomic.Int32
}

var (
	errTime   = errors.New("time is up")
	errParent = errors.New("the caller left")
)

func newContexts(t *rapid.T, ctx context.Context) *contexts {
	c := &contexts{stops: make([]context.CancelFunc, 1)}
	ctx, c.parent = context.WithCancelCause(ctx)
	if rapid.Bool().Draw(t, "the caller has a deadline") {
		d := time.Duration(rapid.IntRange(1, 20).Draw(t, "s"))*time.Second - time.Second/2
		ctx, c.stops[0] = context.WithTimeout(ctx, d)
	}
	d := time.Duration(rapid.IntRange(1, 20).Draw(t, "timeout")) * time.Second
	c.ours = &timed{until: time.Now().Add(d), cause: errTime}
	c.ours.mark.Context = ctx
	c.theirs, c.cancel = context.WithDeadlineCause(ctx, c.ours.until, errTime)
	return c
}

// step does the same to both. Of two ends that have come when somebody looks for the
// first time, ours may tell the later one: so it is looked at before there is another.
func (c *contexts) step(t *rapid.T) {
	step := rapid.IntRange(0, 7).Draw(t, "step")
	if step == 2 || step == 3 {
		_ = c.ours.Err()
	}
	switch step {
	case 0, 1:
		time.Sleep(time.Duration(rapid.IntRange(1, 8).Draw(t, "s")) * time.Second)
	case 2:
		c.parent(errParent)
	case 3:
		c.ours.done()
		c.cancel()
	case 4: // somebody waits
		c.ours.Done()
	case 5:
		ours, stopOurs := context.WithCancel(c.ours)
		theirs, stopTheirs := context.WithCancel(c.theirs)
		c.children = append(c.children, [2]context.Context{ours, theirs})
		c.stops = append(c.stops, stopOurs, stopTheirs)
	case 6:
		for i, ctx := range []context.Context{c.ours, c.theirs} {
			context.AfterFunc(ctx, func() { c.afterwards[i].Add(1) })
		}
	case 7: // nothing but a look
	}
	synctest.Wait()
}

func (c *contexts) stop() {
	c.cancel()
	for _, stop := range c.stops {
		if stop != nil {
			stop()
		}
	}
}

func (c *contexts) compare(t require.TestingT) {
	alike(t, c.ours, c.theirs)
	for _, child := range c.children {
		alike(t, child[0], child[1])
	}
	require.Equal(t, c.afterwards[1].Load(), c.afterwards[0].Load())
}

func alike(t require.TestingT, ours, theirs context.Context) {
	require.Equal(t, theirs.Err(), ours.Err())
	require.Equal(t, context.Cause(theirs), context.Cause(ours))
	want, _ := theirs.Deadline()
	got, ok := ours.Deadline()
	require.True(t, ok)
	require.True(t, want.Equal(got), "%v, not %v", got, want)
	if closed(ours.Done()) != closed(theirs.Done()) {
		require.Fail(t, "one of them is done")
	}
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// Whatever is done with it, and whenever somebody begins to wait for it, the context of
// an attempt is what context.WithTimeoutCause would have made.
func TestTimedIsAContext(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			c := newContexts(rt, ctx)
			defer c.stop()
			look := rapid.Bool().Draw(rt, "looked at in between")
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				c.step(rt)
				if look {
					c.compare(t)
				}
			}
			c.compare(t)
		})
	})
}

// An answer that is read after its attempt is not cut off by the end of that, nor by its
// time: only by the caller, or by who has read it.
func TestTimedIsTakenOver(t *testing.T) {
	for _, waited := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, leave := context.WithCancelCause(t.Context())
			taken := func() *timed {
				c := &timed{until: time.Now().Add(time.Second), cause: errTime}
				c.mark.Context = ctx
				c.Adopt()
				if waited {
					c.Done()
				}
				require.True(t, c.Outlive())
				c.done()
				time.Sleep(time.Minute)
				synctest.Wait()
				require.NoError(t, c.Err())
				_, bound := c.Deadline()
				require.False(t, bound)
				return c
			}
			read := taken()
			read.End(nil)
			require.Equal(t, context.Canceled, read.Err())
			require.True(t, closed(read.Done()))
			unread := taken()
			leave(errParent)
			synctest.Wait()
			require.Equal(t, context.Canceled, unread.Err())
			require.Equal(t, errParent, context.Cause(unread))
		})
	}
}

// What is over is not taken over.
func TestTimedIsOver(t *testing.T) {
	for _, waited := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			late := &timed{until: time.Now().Add(time.Second), cause: errTime}
			late.mark.Context = t.Context()
			late.Adopt()
			ended := &timed{until: time.Now().Add(time.Second), cause: errTime}
			ended.mark.Context = t.Context()
			ended.Adopt()
			if waited {
				late.Done()
				ended.Done()
			}
			ended.done()
			time.Sleep(time.Second)
			synctest.Wait()
			require.False(t, late.Outlive())
			require.False(t, ended.Outlive())
			require.Equal(t, context.DeadlineExceeded, late.Err())
			require.Equal(t, errTime, context.Cause(late))
			require.Equal(t, context.Canceled, ended.Err())
			late.done()
			require.Equal(t, context.DeadlineExceeded, late.Err(), "as it was")
		})
	}
}
