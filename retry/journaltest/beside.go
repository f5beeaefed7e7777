package journaltest

import "github.com/nexpay-go/resilience/retry"

var besideRules = []rule{
	{"two handles have the same entries", besideSame},
	{"of several concurrent Begins on two handles, one wins", besideRace},
}

// beside opens another handle, and ends the rule if that is not possible.
func (c *check) beside() (other retry.Journal, ok bool) {
	if c.store.Beside == nil {
		return nil, false
	}
	other, err := c.store.Beside()
	if err != nil {
		c.fatal("Beside: %w", err)
	}
	return other, true
}

func besideSame(c *check) {
	other, ok := c.beside()
	if !ok {
		return
	}
	e := c.start(c.store.Journal, sample("p-1"))
	c.holds(other, e, "begun on the first handle")
	e = c.again(other, e, "second")
	c.holds(c.store.Journal, e, "begun again on the second")
	e.State = retry.EntryApplied
	late := e
	late.Generation--
	c.busy(late, retry.EntryApplied)
	c.holds(other, c.end(c.store.Journal, e, retry.EntryApplied, "t-1"), "ended on the first")
	c.end(other, e, retry.EntryApplied)
}

func besideRace(c *check) {
	if other, ok := c.beside(); ok {
		c.race(c.store.Journal, other)
	}
}
