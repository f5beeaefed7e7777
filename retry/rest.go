package retry

import (
	"context"
	"time"
)

// rest waits before the next attempt. It returns false if ctx ended first. It is inlined
// and what it calls is small, because calls spend most of their time here.
func (c *call) rest(ctx context.Context) bool { return rung(c.alarm(ctx), ctx.Done()) }

// rung waits for a timer, if there is one.
func rung(timer *time.Timer, done <-chan struct{}) bool {
	if timer == nil {
		return true
	}
	select {
	case <-timer.C:
		return true
	case <-done:
		timer.Stop()
		return false
	}
}

// alarm sets the call's timer for its wait. It returns nil if the wait is over when alarm
// returns: there was none, or it was too short for a timer, or nothing can end it early and
// it used the goroutine's own timer.
//
//go:noinline
func (c *call) alarm(ctx context.Context) *time.Timer {
	d, from := c.history.last().Wait, c.at
	c.at = 0
	switch {
	case d <= 0, d < time.Microsecond && spin(from, d):
		return nil
	case ctx.Done() == nil:
		time.Sleep(d)
		return nil
	case c.timer == nil:
		c.timer = time.NewTimer(d)
	default:
		c.timer.Reset(d)
	}
	return c.timer
}

// spin waits without a timer if setting one would take longer than the wait. from is on
// clock(), 0 if it was not read yet. It returns false if the clock stands still, as it does
// in a bubble of testing/synctest.
func spin(from, d time.Duration) bool {
	if from == 0 {
		from = clock()
	}
	for range 100 {
		if clock()-from >= d {
			return true
		}
	}
	return false
}

// sleep waits for d. It returns false if done was closed first.
func sleep(done <-chan struct{}, d time.Duration) bool {
	return d <= 0 || rung(time.NewTimer(d), done)
}
