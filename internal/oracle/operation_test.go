package oracle_test

import (
	"context"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

func (c *call) operation() retry.Operation[string] {
	op := retry.Operation[string]{
		ID: c.id, Fingerprint: "as agreed", Send: c.send,
		Settle: c.w.settle, GiveUp: c.w.giveUp, NoReplay: c.w.noReplay, Idempotent: c.w.keep, LookFirst: c.lookFirst(),
	}
	if !c.w.endless { // two calls that find the same entry open would give up at the same instant
		op.GiveUp += time.Duration(c.n) * time.Microsecond
	}
	if c.plan.forged {
		op.Fingerprint = "more"
	}
	if c.w.verify != missing {
		op.Verify = c.lookUp
	}
	return op
}

// lookFirst reports whether the call is told to: for good measure, or as it is
// known that the journal was lost.
func (c *call) lookFirst() bool { return c.w.lookFirst || c.w.lost }

func (c *call) options() []retry.Option {
	if !c.w.fixable {
		return nil
	}
	return []retry.Option{retry.Fix(func(_ context.Context, e *classify.Error) (bool, error) {
		c.alive()
		c.w.mu.Lock()
		defer c.w.mu.Unlock()
		c.watch.fixed()
		changed := c.bad
		c.bad = false
		return changed, nil
	})}
}

// send is the operation's Send.
func (c *call) send(ctx context.Context) (ref string, err error) {
	c.alive()
	c.line, c.sendBegan = line{}, c.w.now()
	sent := false
	if err = c.errand(ctx); err == nil {
		err = c.through(ctx, func(ctx context.Context) error {
			sent = true
			ref, err = c.transmit(ctx)
			return err
		})
	}
	if sent {
		return ref, err
	}
	return c.give(c.watch.sending(ctx, c.message(ctx, c.id)), answer{shape: &shape{name: "another call failed", err: err, nested: true}})
}

// transmit puts the payment on the wire.
func (c *call) transmit(ctx context.Context) (string, error) {
	m := c.message(ctx, c.id)
	m.bad = c.bad
	s := c.watch.sending(ctx, m)
	fate := c.fate(c.w.sendFates)
	c.tracef("%v: sent on %s with nonce %d, fate %s", s, m.key, m.nonce, fateNames[fate])
	if !c.calm() && c.chance(c.w.stands) {
		c.standStill()
	}
	return c.give(s, c.carry(ctx, m, fate))
}

// give is how Send ends.
func (c *call) give(s *send, a answer) (string, error) {
	c.alive()
	c.watch.sent(s, a)
	c.tracef("%v: %v", s, a)
	if a.shape != nil {
		return "", a.shape.err
	}
	return a.ref, nil
}

// standStill is what a process does whose machine is suspended: its message is
// signed, and leaves when nobody waits for it any more.
func (c *call) standStill() {
	d := pick(c.dice, c.between(0, time.Minute), c.between(0, 10*time.Minute), c.between(0, 2*time.Hour))
	c.tracef("stands still for %v", d)
	c.w.mu.Lock()
	c.watch.stands = true
	c.w.mu.Unlock()
	c.wait(context.Background(), d)
	c.w.mu.Lock()
	c.watch.stands = false
	c.w.mu.Unlock()
}

// lookUp is the operation's Verify.
func (c *call) lookUp(ctx context.Context) (value string, found retry.Outcome, err error) {
	c.alive()
	in := func(ctx context.Context, apart bool) error {
		value, found, err = c.ask(ctx, apart)
		return err
	}
	if c.nests() && c.chance(30) { // with a Retrier that goes about its own business
		e := retry.Do(retry.Apart(ctx), c.proc.elsewhere, func(ctx context.Context) error {
			if err := in(ctx, true); found != retry.Applied {
				return err
			}
			return nil // it has found out
		})
		if found == retry.Applied {
			return value, found, err
		}
		return value, found, e
	}
	err = c.through(ctx, func(ctx context.Context) error { return in(ctx, false) })
	return value, found, err
}

// ask puts a lookup on the wire.
func (c *call) ask(ctx context.Context, apart bool) (string, retry.Outcome, error) {
	m := c.message(ctx, c.id)
	l := c.watch.looking(m, apart)
	fate, instead := c.fate(c.w.askFates), (*shape)(nil)
	switch {
	case c.w.verify == broken:
		fate = forged
	case c.w.gateway && !c.calm():
		fate, instead = c.gateway()
	}
	a := c.carry(ctx, m, fate)
	if instead != nil {
		a = answer{shape: instead}
	}
	c.alive()
	value, outcome, err := c.found(a)
	c.tracef("lookup on %s with nonce %d: %v, %v", m.key, m.nonce, outcome, err)
	c.watch.looked(l, outcome, err)
	return value, outcome, err
}

// found is how Verify puts what it has seen.
func (c *call) found(a answer) (string, retry.Outcome, error) {
	odd := !c.w.gateway && !c.calm() && c.chance(10)
	switch {
	case a.ref != "" && odd: // "I see it, but cannot read its reference"
		return "", retry.Applied, pick(c.dice, every...).err
	case a.ref != "":
		return a.ref, retry.Applied, nil
	case a.absent && odd: // "It is not there, but neither is the other replica"
		return "", retry.Absent, pick(c.dice, every...).err
	case a.absent:
		return "", retry.Absent, nil
	case c.w.verify == sloppy:
		return "", retry.Absent, a.shape.err
	case a.shape == undecided, !c.w.gateway && !c.calm() && c.chance(20):
		return "", retry.Undecided, nil
	case odd:
		return "", retry.Undecided, pick(c.dice, every...).err
	}
	return "", retry.Undecided, a.shape.err
}

// undecided is an answer that says nothing, and has no error.
var undecided = &shape{name: "undecided"}

// gateway draws what one lookup in nine each meets on a hostile day.
func (c *call) gateway() (fate int, instead *shape) {
	switch c.IntN(9) {
	case 0:
		return silent, nil
	case 1:
		return clean, internal
	case 2:
		return clean, undecided
	case 3:
		return clean, wrongAnswer
	case 4:
		return clean, bareNotFound
	}
	return clean, nil
}

// fate draws what becomes of a request.
func (c *call) fate(weights []int) int {
	if c.calm() {
		return clean
	}
	fate := c.weighted(weights)
	switch {
	case fate == twice && !c.mayRepeat(), fate == hidden && c.w.noReplay:
		return clean
	}
	return fate
}

// mayRepeat reports whether something below Send may send a request twice: nobody
// vouches that it does not, and the copy does no harm. A duplicate is refused in the
// same words as a mistake, so somebody has to tell of its connection.
func (c *call) mayRepeat() bool {
	return !c.w.noReplay && (c.w.strict || c.w.dedup && c.w.speaks)
}

var fateNames = [fates]string{
	"clean", "unreached", "blackhole", "unsendable", "hidden", "lost", "silent", "answer lost", "late", "twice", "damaged", "forged", "panics",
}
