package noncetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/nexpay-go/resilience/nonce"
)

const (
	soon    = 50 * time.Millisecond // how long to wait for what must not happen
	patient = 10 * time.Second      // how long to wait for what must
)

// Run checks s against the documentation of nonce.Source and nonce.Ticket, including the
// optional methods that s has. Nobody may hold a turn of s. It reports failures to t, and
// takes a fraction of a second; in a testing/synctest bubble it takes no time. The source
// may have several keys, and several turns on each.
func Run(t testing.TB, s nonce.Source) {
	t.Helper()
	c := &check{TB: t, source: s}
	for _, rule := range []func(*check){rising, resync, leave, over, waiter, key, owns, unless} {
		if rule(c); t.Failed() { // the next rule may block on what this one left behind
			return
		}
	}
}

type check struct {
	testing.TB
	source nonce.Source
}

// enter takes a turn that must be available, or reports an error.
func (c *check) enter(enter func(context.Context) (*nonce.Ticket, error)) *nonce.Ticket {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	ticket, err := enter(ctx)
	switch {
	case err != nil:
		c.Errorf("Enter: no turn, although all turns were left: %v", err)
		return nil
	case ticket == nil:
		c.Errorf("Enter returned neither a ticket nor an error")
	case ticket.Nonce() == 0 || ticket.Nonce() > nonce.MaxNonce:
		c.Errorf("Enter: nonce %d is not between 1 and MaxNonce", ticket.Nonce())
	}
	return ticket
}

// rising has callers enter at once: no nonce of a key is handed out twice, and a turn's
// nonce is above those of turns that ended before.
func rising(c *check) {
	var mu sync.Mutex
	ended := map[string]uint64{} // highest nonce of a turn that was left
	seen := map[string]map[uint64]bool{}
	record := func(t *nonce.Ticket, floor uint64) {
		mu.Lock()
		defer mu.Unlock()
		if seen[t.Key()] == nil {
			seen[t.Key()] = map[uint64]bool{}
		}
		if seen[t.Key()][t.Nonce()] {
			c.Errorf("nonce %d of key %q was handed out twice", t.Nonce(), t.Key())
		}
		seen[t.Key()][t.Nonce()] = true
		if t.Nonce() <= floor {
			c.Errorf("nonce %d of key %q is not above %d, the nonce of a turn that had ended", t.Nonce(), t.Key(), floor)
		}
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				mu.Lock()
				before := map[string]uint64{}
				for key, n := range ended {
					before[key] = n
				}
				mu.Unlock()
				t := c.enter(c.source.Enter)
				if t == nil {
					return
				}
				record(t, before[t.Key()])
				mu.Lock()
				ended[t.Key()] = max(ended[t.Key()], t.Nonce())
				mu.Unlock()
				t.Leave()
			}
		})
	}
	wg.Wait()
}

// resync: a higher nonce of the same key, or an error. The next turn's nonce is above
// all.
func resync(c *check) {
	t := c.enter(c.source.Enter)
	if t == nil {
		return
	}
	highest, key := t.Nonce(), t.Key()
	for _, renew := range []func(*nonce.Ticket, context.Context) (*nonce.Ticket, error){(*nonce.Ticket).Resync, (*nonce.Ticket).Next, (*nonce.Ticket).Next} {
		newer, err := renew(t, context.Background())
		switch {
		case errors.Is(err, nonce.ErrNoResync):
		case err != nil:
			c.Errorf("Resync: %v", err)
		case newer.Key() != key || newer.Nonce() <= highest:
			c.Errorf("Resync: nonce %d of key %q after %d of key %q", newer.Nonce(), newer.Key(), highest, key)
		default:
			t, highest = newer, newer.Nonce()
		}
	}
	t.Leave()
	if _, err := t.Resync(context.Background()); !errors.Is(err, nonce.ErrLeft) {
		c.Errorf("Resync after Leave: %v, not ErrLeft", err)
	}
	for range 64 { // until it is this key's turn again
		if t = c.enter(c.source.Enter); t == nil {
			return
		}
		t.Leave()
		if t.Key() == key {
			break
		}
	}
	if t.Key() == key && t.Nonce() <= highest {
		c.Errorf("nonce %d of key %q is not above %d, which Resync returned in an earlier turn", t.Nonce(), key, highest)
	}
}

// leave: leaving a turn once or several times gives one turn back.
func leave(c *check) {
	held := c.fill()
	if len(held) == 0 {
		return
	}
	held[0].Leave()
	held[0].Leave()
	if t := c.enter(c.source.Enter); t != nil {
		if another := c.fill(); len(another) > 0 && len(held) < most {
			c.Errorf("Leave twice gave two turns back")
			leaveAll(another)
		}
		t.Leave()
	}
	leaveAll(held)
}

// most is how many turns are taken at once; more counts as no limit.
const most = 64

// fill takes all available turns.
func (c *check) fill() (held []*nonce.Ticket) {
	for len(held) < most {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		t, err := c.source.Enter(ctx)
		cancel()
		if err != nil {
			c.ended(err, context.DeadlineExceeded)
			return held
		}
		held = append(held, t)
	}
	return held
}

func leaveAll(held []*nonce.Ticket) {
	for _, t := range held {
		t.Leave()
	}
}

// ended checks the error for a context that has ended.
func (c *check) ended(err, want error) {
	if !errors.Is(err, want) {
		c.Errorf("the context has ended: %v does not wrap %v", err, want)
	}
}

// over: nothing begins on a context that has ended.
func over(c *check) {
	cause := errors.New("the cause")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	for range 20 { // a select of turn and context takes either
		t, err := c.source.Enter(ctx)
		if t != nil {
			c.Errorf("Enter returned a ticket although the context has ended")
			t.Leave()
		}
		c.ended(err, context.Canceled)
		c.ended(err, cause)
	}
	if t := c.enter(c.source.Enter); t != nil {
		if _, err := t.Resync(ctx); !errors.Is(err, nonce.ErrNoResync) {
			c.ended(err, context.Canceled)
		}
		t.Leave()
	}
}

// waiter: a caller that stops waiting does not hold up those behind it.
func waiter(c *check) {
	held := c.fill()
	defer leaveAll(held)
	if len(held) == most {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan error, 1)
	go func() {
		t, err := c.source.Enter(ctx)
		if err == nil {
			t.Leave()
		}
		gone <- err
	}()
	time.AfterFunc(soon, cancel)
	select {
	case err := <-gone:
		c.ended(err, context.Canceled)
	case <-time.After(patient):
		c.Errorf("Enter still waits although its context has ended")
		return
	}
	held[0].Leave()
	if t := c.enter(c.source.Enter); t != nil {
		t.Leave()
	}
}

type holder interface{ Holds(key string) bool }

// key checks EnterKey and Holds, if the source has them.
func key(c *check) {
	t := c.enter(c.source.Enter)
	if t == nil {
		return
	}
	t.Leave()
	const unknown = "noncetest: no such key"
	if h, ok := c.source.(holder); ok && (!h.Holds(t.Key()) || h.Holds(unknown)) {
		c.Errorf("Holds(%q) is %v, and %v for an unknown key", t.Key(), h.Holds(t.Key()), h.Holds(unknown))
	}
	s, ok := c.source.(nonce.KeySource)
	if !ok {
		return
	}
	for range 3 {
		pinned := c.enter(func(ctx context.Context) (*nonce.Ticket, error) { return s.EnterKey(ctx, t.Key()) })
		if pinned == nil {
			return
		}
		pinned.Leave()
		if pinned.Key() != t.Key() {
			c.Errorf("EnterKey(%q) returned a turn on key %q", t.Key(), pinned.Key())
		}
	}
	if _, err := s.EnterKey(context.Background(), unknown); !errors.Is(err, nonce.ErrUnknownKey) {
		c.Errorf("EnterKey of an unknown key: %v does not wrap ErrUnknownKey", err)
	}
}

type owner interface {
	Owns(ticket *nonce.Ticket) bool
}

// owns checks Owns, if the source has it.
func owns(c *check) {
	s, ok := c.source.(owner)
	if !ok {
		return
	}
	t := c.enter(c.source.Enter)
	if t == nil {
		return
	}
	defer t.Leave()
	if !s.Owns(t) {
		c.Errorf("Owns is false for a ticket of the source")
	}
	if newer, err := t.Next(context.Background()); err == nil && !s.Owns(newer) {
		c.Errorf("Owns is false for a ticket from Next")
	}
	if s.Owns(nonce.NewTicket(t.Key(), nonce.MaxNonce, nil, nil)) {
		c.Errorf("Owns is true for a ticket of another source")
	}
}

type chooser interface {
	EnterUnless(ctx context.Context, locked func(key string) error) (*nonce.Ticket, error)
}

// unless checks EnterUnless, if the source has it.
func unless(c *check) {
	s, ok := c.source.(chooser)
	if !ok {
		return
	}
	asked := 0
	t := c.enter(func(ctx context.Context) (*nonce.Ticket, error) {
		return s.EnterUnless(ctx, func(string) error { asked++; return nil })
	})
	if t == nil {
		return
	}
	t.Leave()
	if asked < 2 {
		c.Errorf("EnterUnless called locked %d times, not before and after the wait", asked)
	}
	locked := errors.New("locked")
	for _, from := range []int{1, 2} { // from the first call on, and from the second
		n := 0
		t, err := s.EnterUnless(context.Background(), func(string) error {
			if n++; n >= from {
				return locked
			}
			return nil
		})
		if t != nil {
			c.Errorf("EnterUnless returned a turn on a locked key")
			t.Leave()
		}
		if !errors.Is(err, locked) {
			c.Errorf("EnterUnless: %v does not wrap what locked returned", err)
		}
	}
	if t := c.enter(c.source.Enter); t != nil { // no turn was lost
		t.Leave()
	}
}
