package oracle_test

import (
	"context"

	"github.com/nexpay-go/resilience/retry"
)

// send is the operation's Send.
func (c *call) send(ctx context.Context) (string, error) {
	c.alive()
	m := c.message(ctx, c.id)
	m.bad = c.bad
	s := c.watch.sending(ctx, m)
	fate := c.fate(c.w.sendFates)
	c.tracef("%v: sent on %s with nonce %d, fate %s", s, m.key, m.nonce, fateNames[fate])
	a := c.carry(ctx, m, fate)
	c.alive()
	c.watch.sent(s, a)
	if a.shape != nil {
		c.tracef("%v: %s", s, a.shape.name)
		return "", a.shape.err
	}
	c.tracef("%v: %s", s, a.ref)
	return a.ref, nil
}

// lookUp is the operation's Verify.
func (c *call) lookUp(ctx context.Context) (string, retry.Outcome, error) {
	c.alive()
	m := c.message(ctx, c.id)
	l := c.watch.looking(m)
	fate := c.fate(c.w.askFates)
	if c.w.verify == broken {
		fate = forged
	}
	a := c.carry(ctx, m, fate)
	c.alive()
	value, outcome, err := c.found(a)
	c.tracef("lookup on %s with nonce %d: %v, %v", m.key, m.nonce, outcome, err)
	c.watch.looked(l, outcome, err)
	return value, outcome, err
}

// found is how Verify puts what it has seen.
func (c *call) found(a answer) (string, retry.Outcome, error) {
	calm := c.calm()
	switch {
	case a.ref != "" && !calm && c.chance(10): // "I see it, but cannot read its reference"
		return "", retry.Applied, breaks[1].err
	case a.ref != "":
		return a.ref, retry.Applied, nil
	case a.absent:
		return "", retry.Absent, nil
	case c.w.verify == sloppy:
		return "", retry.Absent, a.shape.err
	case !calm && c.chance(20):
		return "", retry.Undecided, nil
	}
	return "", retry.Undecided, a.shape.err
}

// fate draws what becomes of a request.
func (c *call) fate(weights []int) int {
	if c.calm() {
		return clean
	}
	fate := c.weighted(weights)
	switch {
	case fate == twice && (c.w.noReplay || !c.w.strict), // nobody repeats it, or nothing would stop the copy
		fate == hidden && c.w.noReplay:
		return clean
	}
	return fate
}

var fateNames = [fates]string{"clean", "unreached", "hidden", "lost", "silent", "answer lost", "late", "twice", "damaged", "forged", "panics"}
