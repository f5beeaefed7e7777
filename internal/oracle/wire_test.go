package oracle_test

import (
	"context"
	"errors"
	"net/url"
	"runtime"
	"time"

	"github.com/nexpay-go/resilience/nonce"
)

// What may become of a request.
const (
	clean      = iota
	unreached  // there was no connection
	blackhole  // there was none, and nobody says so
	unsendable // somebody above the network refuses it
	hidden     // it went out, and what is told is that a second try found no connection
	lost       // on its way there; the connection breaks
	silent     // no answer ever
	answerLost // on its way back
	late       // it arrives when nobody waits any more
	twice      // two copies go out, each on a connection, and the answer to either is shown
	damaged    // the answer is replaced
	forged     // it is answered on its way, and does not arrive
	panics     // the operation does
	fates
)

// patience is how long a client waits that nobody stops.
const patience = 30 * time.Second

// message makes up a request, and draws the mood that it finds the bank in.
func (c *call) message(ctx context.Context, id string) *message {
	m := &message{id: id, key: c.proc.key, lag: c.lag(), busy: pick(c.dice, 0, c.between(0, 3*time.Second))}
	if ticket, ok := nonce.FromContext(ctx); ok {
		m.key, m.nonce = ticket.Key(), ticket.Nonce()
	} else {
		m.nonce = c.proc.draw()
	}
	if !c.calm() {
		m.mood = c.weighted(c.w.moods)
		m.refusal = pick(c.dice, denials...)
		m.jump = pick(c.dice, 0, 0, uint64(c.between(0, 2*time.Minute).Microseconds()))
	}
	return m
}

// lag is how long a payment takes to show: up to Settle, to the nanosecond.
func (c *call) lag() time.Duration {
	return pick(c.dice, 0, 0, c.between(0, c.w.shows), c.w.shows)
}

// carry takes a request to the bank, and the answer back, or does not. It returns
// when the caller would see something.
func (c *call) carry(ctx context.Context, m *message, fate int) answer {
	if fate == unsendable {
		return answer{shape: pick(c.dice, unsendables...)}
	}
	copies := 1 // that have left and not arrived
	defer func() { c.release(m, copies) }()
	there, back := c.between(time.Millisecond, 100*time.Millisecond), c.between(time.Millisecond, 100*time.Millisecond)
	if c.chance(5) && !c.calm() {
		there = c.between(0, 2*c.w.shows)
	}
	c.line.dial(ctx, c.w.speaks)
	if fate == unreached || fate == blackhole {
		copies = 0
		if fate == blackhole {
			there = patience
		}
		if !c.wait(ctx, there) {
			return c.hungUp(ctx)
		}
		return c.noConnection(fate)
	}
	c.line.connect(ctx, c.w.speaks)
	var a answer
	switch fate {
	case lost, forged:
		copies = 0
	case late:
	case silent, panics:
		if c.chance(30) {
			break
		}
		fallthrough
	default:
		if !c.wait(ctx, there) {
			return c.hungUp(ctx)
		}
		a = c.deliver(m)
		copies = 0
	}
	if !c.wait(ctx, a.after) {
		return c.hungUp(ctx)
	}
	if fate == twice {
		copies = 1
		c.line.dial(ctx, c.w.speaks)
		c.line.connect(ctx, c.w.speaks)
		if c.chance(70) {
			if !c.wait(ctx, back) {
				return c.hungUp(ctx)
			}
			copies = 0
			if b := c.deliver(m); c.chance(80) {
				a = b
			}
		}
	}
	if fate == hidden {
		c.line.dial(ctx, c.w.speaks)
	}
	if fate == silent {
		back = patience
	}
	if !c.wait(ctx, back) {
		if a.ref != "" && c.chance(30) {
			return a // it came together with the end
		}
		return c.hungUp(ctx)
	}
	return c.shown(m, fate, a)
}

// shown is what the caller gets to see of an answer.
func (c *call) shown(m *message, fate int, a answer) answer {
	switch fate {
	case hidden:
		return answer{shape: pick(c.dice, unconnected...).hiding()}
	case silent:
		return answer{shape: outOfPatience}
	case lost, answerLost:
		return answer{shape: pick(c.dice, breaks...)}
	case late, damaged, forged:
		switch {
		case !c.w.noReplay && c.chance(15):
			return answer{shape: pick(c.dice, replayed...)}
		case c.chance(20):
			return answer{shape: internal}
		}
		return answer{shape: pick(c.dice, damages...)}
	case panics:
		exit := c.chance(50)
		c.left = exit || m.of != nil // a panic in Verify is contained
		if exit {
			runtime.Goexit()
		}
		panic(errPanic)
	}
	return a
}

var outOfPatience = &shape{name: "no answer", err: &url.Error{Op: "Post", URL: "https://bank.test/", Err: context.DeadlineExceeded}}

// hungUp is what a client returns whose context is over.
func (c *call) hungUp(ctx context.Context) answer {
	err := ctx.Err()
	switch cause := context.Cause(ctx); c.IntN(4) {
	case 0:
		err = cause
	case 1: // and there was an answer, to whatever
		if cause == anothers && (c.line.got > 0 || c.line.asked == 0) {
			err = errors.Join(cause, wrongAnswer.err)
		}
	}
	return answer{shape: &shape{name: "hung up", err: &url.Error{Op: "Post", URL: "https://bank.test/", Err: err}}}
}

// noConnection is how a client puts it that there was none. Of one that waited in
// vain only those who saw the connections know.
func (c *call) noConnection(fate int) answer {
	if fate == unreached {
		return answer{shape: pick(c.dice, unconnected...)}
	}
	return answer{shape: pick(c.dice, outOfPatience, breaks[3])}
}

func (c *call) deliver(m *message) answer {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return c.w.bank.take(c.w, m)
}

// release lets go of the copies that are on their way when the caller does not wait
// any more, whatever the reason. Some are lost, others arrive.
func (c *call) release(m *message, copies int) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	for range copies {
		if m.of == nil || c.chance(30) {
			continue
		}
		d := c.lateness(m)
		c.w.later(d)
		c.w.tracef("%v: a copy is late by %v", m, d)
		time.AfterFunc(d, func() {
			c.w.mu.Lock()
			defer c.w.mu.Unlock()
			c.w.bank.take(c.w, m)
		})
	}
}

// lateness keeps what M1 assumes: a copy takes effect and shows within Settle of
// Send's return, or else nonces fence it off.
func (c *call) lateness(m *message) time.Duration {
	left := c.w.shows - m.lag
	switch {
	case !c.w.late():
		return pick(c.dice, left, c.between(0, left))
	case c.chance(5):
		return c.between(0, 3*time.Hour)
	}
	return c.between(0, pick(c.dice, c.w.shows, 4*c.w.shows))
}
