package keylease

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// Close gives all keys back: nobody gets a turn any more, those under way may end, and
// each key is returned when its last turn is over, with the exact nonce that the next
// process goes on from. Meanwhile the others are renewed. OnTake has returned when it
// returns; then it waits for turns no longer than TTL, whatever ctx allows.
//
// The error says which keys could not be given back, as a turn does not end or the store
// does not answer: they pass on when their leases are over. Closing again returns nil.
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
	if len(left) == 0 {
		return nil // that this process has gone the others will see
	}
	return fmt.Errorf("keylease: not given back, and free when the lease is over, in %v at most: %s", l.cfg.TTL, strings.Join(left, ", "))
}

// giveBack returns each key as soon as it may be, and renews the others meanwhile. It ends
// with ctx, and TTL after the last OnTake has returned. It returns what is left.
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

// leave ends all leases, and reports false if they are.
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

// left are the keys that are still to be returned.
func (l *Leases) left() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.leaving))
}

// tell is for the hook, whose panics harm no lease.
func (l *Leases) tell(e Event) {
	if l.cfg.OnEvent == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			slog.Default().Error("a hook panicked", "hook", "keylease.Config.OnEvent", "type", fmt.Sprintf("%T", p))
		}
	}()
	l.cfg.OnEvent(e)
}
