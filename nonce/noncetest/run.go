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
	soon    = 50 * time.Millisecond // for what must not happen
	patient = 10 * time.Second      // for what must
)

// Run checks s, of which nobody holds a turn, against everything that the documentation of nonce.Source and nonce.Ticket
// says, and of what it may offer besides, what it does offer. It reports to t what is wrong, and takes a fraction of a
// second. In the bubble of a testing/synctest it takes none. A source may have several keys, and several turns on each.
func Run(t testing.TB, s nonce.Source) {
	t.Helper()
	c := &check{TB: t, source: s}
	for _, rule := range []func(*check){rising, resync, leave, over, waiter, key, owns, unless} {
		if rule(c); t.Failed() { // what comes next may wait for what this one spoilt
			return
		}
	}
}

type check struct {
	testing.TB
	source nonce.Source
}

// enter takes a turn that is to be had, or reports.
func (c *check) enter(enter func(context.Context) (*nonce.Ticket, error)) *nonce.Ticket {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	ticket, err := enter(ctx)
	switch {
	case err != nil:
		c.Errorf("Enter: no turn, though all were left: %v", err)
		return nil
	case ticket == nil:
		c.Errorf("Enter returned neither a ticket nor an error")
	case ticket.Nonce() == 0 || ticket.Nonce() > nonce.MaxNonce:
		c.Errorf("Enter: nonce %d is not between 1 and MaxNonce", ticket.Nonce())
	}
	return ticket
}

// rising has callers enter at once: no nonce of a key twice, and one turn's above those of the turns that ended before.
func rising(c *check) {
	var mu sync.Mutex
	ended := map[string]uint64{} // highest nonce of a turn that was left
	seen := map[string]map[uint64]bool{}
	book := func(t *nonce.Ticket, floor uint64) {
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
			c.Errorf("nonce %d of key %q is not above %d, of a turn that had ended", t.Nonce(), t.Key(), floor)
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
				book(t, before[t.Key()])
				mu.Lock()
				ended[t.Key()] = max(ended[t.Key()], t.Nonce())
				mu.Unlock()
				t.Leave()
			}
		})
	}
	wg.Wait()
}

// resync: a higher nonce of the same key, or an error. The next turn's is above all.
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
		c.Errorf("nonce %d of key %q is not above %d, which a turn before it had from Resync", t.Nonce(), key, highest)
	}
}

// leave: once or more often, one turn is given back.
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

// most is how many turns at once are looked at; more than that counts as no limit.
const most = 64

// fill takes all the turns there are.
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

// ended checks the error of a context that was over.
func (c *check) ended(err, want error) {
	if !errors.Is(err, want) {
		c.Errorf("the context was over: %v does not wrap %v", err, want)
	}
}

// over: nothing begins on a context that is over.
func over(c *check) {
	cause := errors.New("the cause")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	for range 20 { // a select of turn and context takes either
		t, err := c.source.Enter(ctx)
		if t != nil {
			c.Errorf("Enter gave a ticket though the context was over")
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

// waiter: one who goes away is not waited for by those behind.
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
		c.Errorf("Enter waits on though its context is over")
		return
	}
	held[0].Leave()
	if t := c.enter(c.source.Enter); t != nil {
		t.Leave()
	}
}

type holder interface{ Holds(key string) bool }

// key checks EnterKey and Holds, where there are any.
func key(c *check) {
	t := c.enter(c.source.Enter)
	if t == nil {
		return
	}
	t.Leave()
	const unknown = "no such key, for noncetest asks"
	if h, ok := c.source.(holder); ok && (!h.Holds(t.Key()) || h.Holds(unknown)) {
		c.Errorf("Holds(%q) is %v, of a key that is unknown %v", t.Key(), h.Holds(t.Key()), h.Holds(unknown))
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
			c.Errorf("EnterKey(%q) gave a turn on key %q", t.Key(), pinned.Key())
		}
	}
	if _, err := s.EnterKey(context.Background(), unknown); !errors.Is(err, nonce.ErrUnknownKey) {
		c.Errorf("EnterKey of an unknown key: %v does not wrap ErrUnknownKey", err)
	}
}

type owner interface {
	Owns(ticket *nonce.Ticket) bool
}

// owns checks Owns, where there is one.
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
		c.Errorf("Owns is false of a ticket that the source gave")
	}
	if newer, err := t.Next(context.Background()); err == nil && !s.Owns(newer) {
		c.Errorf("Owns is false of a ticket from Next")
	}
	if s.Owns(nonce.NewTicket(t.Key(), nonce.MaxNonce, nil, nil)) {
		c.Errorf("Owns is true of a ticket that another source gave")
	}
}

type chooser interface {
	EnterUnless(ctx context.Context, locked func(key string) error) (*nonce.Ticket, error)
}

// unless checks EnterUnless, where there is one.
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
		c.Errorf("EnterUnless asked %d times, not before and after the wait", asked)
	}
	locked := errors.New("locked")
	for _, from := range []int{1, 2} { // from the first question on, and from the second
		n := 0
		t, err := s.EnterUnless(context.Background(), func(string) error {
			if n++; n >= from {
				return locked
			}
			return nil
		})
		if t != nil {
			c.Errorf("EnterUnless gave a turn on a key that is locked")
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
