package retry

import (
	"context"
	"errors"
	"time"

	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/internal/protocol"
	"github.com/nexpay-go/resilience/policy"
)

// lastLook is how long before the end of GiveUp the last lookup may begin.
const lastLook = time.Second

// between is the wait between two lookups.
var between = policy.Backoff{Initial: time.Second, Max: 10 * time.Second, Jitter: policy.JitterEqual}

var (
	errNoVerify      error = &reason{text: "the operation has no Verify, so it cannot be looked up"}
	errNotKnownThere error = &reason{text: "the journal says that it happened, but Verify says that the API does not know it"}
	errGaveUp        error = &reason{text: "GiveUp elapsed before the outcome was known"}
	errTooOld        error = &reason{text: "in doubt for more than an hour: a person must decide whether to send it again"}
)

// verify runs Verify until it is known whether the operation happened, or GiveUp is over, or
// further lookups are of no use.
func (p *payment) verify(ctx context.Context) {
	if !p.verifiable {
		p.doubt.Blocked = errNoVerify
		p.gaveUp(ctx)
		return
	}
	carry.BeforeWait(ctx)
	from := clock()
	// What does not count yet is not held against it, nor is waiting in line.
	until := protocol.Later(max(p.state.Quiet, from), p.giveUp)
	for n := 1; doubtful(p.state.Phase); n++ {
		queued := clock()
		room := p.call.r.lookupRoom(p.call.key())
		if !room.Enter(ctx) {
			p.doubt.Blocked = whyOver(ctx)
			p.gaveUp(ctx)
			break
		}
		until = min(protocol.Later(until, clock()-queued), protocol.Later(protocol.Later(max(p.state.Quiet, from), p.giveUp), protocol.TooOld))
		a := p.lookupUntil(ctx, until, room)
		p.found(ctx, &a)
		if !doubtful(p.state.Phase) {
			break
		}
		switch p.doubt.Blocked = a.obstacle; {
		case ctx.Err() != nil:
			p.doubt.Blocked = whyOver(ctx)
		case a.final && a.obstacle == nil:
			p.doubt.Blocked = errGaveUp
		}
		if a.final || !p.rest(ctx, until, p.pause(n, &a)) {
			p.gaveUp(ctx)
		}
	}
	p.call.count.rested = clock() - from
	p.call.count.away += p.call.count.rested
}

// found evaluates the result of a lookup.
func (p *payment) found(ctx context.Context, a *answer) {
	kind, ok := protocol.Decide.Found(a.found == Applied, a.found == Absent, a.failed)
	if !ok {
		return
	}
	p.lost = a.lost
	p.happened(ctx, protocol.Event{
		Kind: kind, At: a.ended, Asked: a.began, Nonce: a.nonce, Same: a.same, Age: p.age(),
	})
	if p.state.Phase == protocol.Unknown {
		p.doubt.Blocked = errTooOld
	}
}

// lookupUntil is one lookup, which ends when GiveUp does.
func (p *payment) lookupUntil(ctx context.Context, until time.Duration, room *lookupRoom) answer {
	ctx, cancel := context.WithTimeout(ctx, until-clock())
	defer cancel()
	return p.lookup(ctx, room)
}

// pause returns the wait before the next lookup.
func (p *payment) pause(n int, a *answer) time.Duration {
	wait := between.Delay(n)
	counts := p.state.Quiet // when the next Absent does
	if p.state.Phase == protocol.Half {
		counts = p.state.Due
	}
	switch left := counts - clock(); {
	case left > 0:
		wait = min(wait, left)
	case a.found == Absent && a.began < counts: // that moment came while it was under way
		wait = 0
	}
	return max(wait, a.wait)
}

func (p *payment) gaveUp(ctx context.Context) {
	p.happened(ctx, protocol.Event{Kind: protocol.GaveUp, At: clock()})
}

// rest waits between two lookups, unless that would last longer than GiveUp.
func (p *payment) rest(ctx context.Context, until, wait time.Duration) bool {
	left, limit := until-clock(), errGaveUp
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < left {
		left, limit = time.Until(deadline), ErrDeadline
	}
	if left <= wait && left >= 2*lastLook { // one last look all the same
		wait = left - lastLook
	}
	if left > wait && sleep(ctx.Done(), wait) {
		return true
	}
	switch {
	case ctx.Err() != nil:
		p.doubt.Blocked = whyOver(ctx)
	case p.doubt.Blocked == nil:
		p.doubt.Blocked = limit
	}
	return false
}

// whyOver returns why the lookups ended with the context.
func whyOver(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ErrCanceled
	}
	return ErrDeadline
}

// fetch gets the value of an operation that has happened, with a single lookup, because
// only the value depends on it.
func (p *payment) fetch(ctx context.Context) {
	if p.verifiable {
		room := p.call.r.lookupRoom(p.call.key())
		if !room.Enter(ctx) {
			p.gaveUp(ctx)
			return
		}
		a := p.lookup(ctx, room)
		if a.found == Absent {
			a.obstacle = errNotKnownThere
		}
		if p.doubt.Blocked = a.obstacle; a.found == Applied && a.lost == nil {
			p.happened(ctx, protocol.Event{Kind: protocol.FoundApplied, At: a.ended})
			return
		}
		p.call.err = a.err
	}
	p.gaveUp(ctx)
}
