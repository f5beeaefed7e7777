package retry

import "github.com/nexpay-go/resilience/classify"

// settle merges the state of the second send into that of the call.
func (h *hedge) settle(firstOK bool, why *Error) (winner int, _ *Error) {
	c, second := h.call, &h.second
	sent, after := second.count.sends-h.earlier, c.count.sends-h.earlier
	c.count.sends += sent
	c.count.free += second.count.free
	c.count.cost += second.count.cost
	c.count.resync = min(c.count.resync+second.count.resync, maxResyncs)
	switch {
	case firstOK:
		h.wasted = sent
		return 0, nil
	case h.ok:
		if h.unneeded && after >= 0 {
			h.wasted = 1
		}
		c.err, c.count.paid, c.count.owed = nil, second.count.paid, false
		return 1, nil
	case sent > 0:
		c.doubt = c.doubt || second.doubt
		why = h.merge(int(after), why)
	}
	return -1, why
}

// merge appends the attempts of the second send, numbered after those of the first. (after
// is negative if the first one sent nothing.) The stricter of the two failures becomes the
// last one, with which the call goes on. If something kept the first one from sending, that
// ends the call. merge returns why the call ends, if it does.
func (h *hedge) merge(after int, why *Error) *Error {
	c, second := h.call, &h.second
	attempts, _ := second.history.all(nil)
	for i := range attempts {
		attempts[i].Number += after
	}
	switch last := c.history.last(); {
	case after < 0:
		c.err, c.ticket, c.policy = second.err, second.ticket, second.policy
		if why == nil {
			why = h.why
		}
	case c.sternness(why) >= second.sternness(h.why):
		attempts = append(attempts, *last)
		*last, attempts = attempts[0], attempts[1:]
	default:
		c.err, c.ticket, c.policy, why = second.err, second.ticket, second.policy, h.why
	}
	for _, a := range attempts {
		*c.history.add(a.Number) = a
	}
	return why
}

// sternness orders the failures of two attempts of one call, as classify does the errors of
// one answer: the strictest class wins, and a lockout precedes other fatal errors. A
// failure that ended its attempt by more than its verdict is overruled by fatal ones only.
func (c *call) sternness(why *Error) int {
	last := c.history.last()
	switch {
	case last == nil:
		return 0
	case last.Verdict.Class == classify.Fatal && last.Verdict.Lockout:
		return 7
	case last.Verdict.Class == classify.Fatal:
		return 6
	case why != nil:
		return 5
	}
	switch last.Verdict.Class {
	case classify.Retryable:
		return 1
	case classify.Resync:
		return 2
	case classify.FixAndResend:
		return 4
	}
	return 3
}
