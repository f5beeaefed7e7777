package keylease

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Close returns all keys to the store. No turn begins any more, and turns under way may
// end. Each key is returned when its last turn is over, with the exact nonce from which
// the next process continues; until then its lease is renewed. Close waits until OnTake
// has returned, and after that no longer than TTL for turns, even if ctx allows more.
//
// The error names the keys that could not be returned, because a turn does not end or the
// store does not answer. They pass on when their leases expire. Calling Close again
// returns nil.
func (l *Leases) Close(ctx context.Context) error {
	if !l.leave() {
		return nil
	}
	l.stop()
	l.rounds.Wait()
	taken := make(chan struct{})
	go func() {
		l.takes.Wait()
		close(taken)
	}()
	left := l.giveBack(ctx, taken)
	<-taken
	told := make(chan struct{})
	go func() {
		defer close(told)
		l.tell()
	}()
	select { // a program that ends now still hears of all keys
	case <-told:
	case <-ctx.Done():
	}
	if len(left) == 0 {
		return nil // if leaving failed, this process expires in the store
	}
	return fmt.Errorf("keylease: keys not returned, free when their leases expire, in %v at most: %s", l.cfg.TTL, strings.Join(left, ", "))
}

// giveBack returns each key as soon as possible, and renews the others meanwhile. It ends
// with ctx, and TTL after the last OnTake has returned. Its result is the remaining keys.
func (l *Leases) giveBack(ctx context.Context, taken <-chan struct{}) []string {
	var over <-chan time.Time
	var due time.Time
	for {
		if time.Until(due) <= 0 || l.ready() {
			err := l.round(ctx, true)
			left := l.left()
			if len(left) == 0 && err == nil {
				return nil
			}
			due = time.Now().Add(l.cfg.TTL / 3)
			if err != nil {
				due = time.Now().Add(l.cfg.TTL / 30)
			}
		}
		select {
		case <-taken:
			taken, over = nil, time.After(l.cfg.TTL)
		case <-over:
			return l.left()
		case <-ctx.Done():
			return l.left()
		case <-time.After(lookEvery):
		}
	}
}

// leave ends all leases. It reports false if that was done before.
func (l *Leases) leave() bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	l.closed = true
	all := slices.Collect(maps.Values(l.held))
	for _, h := range all {
		delete(l.held, h.Key)
		l.leaving[h.Key] = h
	}
	l.refresh()
	l.mu.Unlock()
	for _, h := range all {
		h.end()
	}
	return true
}

// left returns the keys that are not returned yet.
func (l *Leases) left() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := slices.Collect(maps.Keys(l.leaving))
	for _, r := range l.stray {
		left = append(left, r.Key)
	}
	slices.Sort(left)
	return left
}

// notify has the hook called for e.
func (l *Leases) notify(e Event) {
	l.events.Push(e)
	go l.tell()
}

// tell calls OnEvent. It may take its time, and may call Close.
func (l *Leases) tell() {
	l.events.Drain("keylease.Config.OnEvent", func(e Event) {
		if l.cfg.OnEvent != nil {
			l.cfg.OnEvent(e)
		}
	})
}
