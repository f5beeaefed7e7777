package keylease

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/nexpay-go/resilience/internal/wallclock"
)

// Leases to return are checked every lookEvery. A round that a turn waits for begins after
// atOnce, so that several turns share it, or after afterAFail if the store does not answer.
const (
	lookEvery  = 10 * time.Millisecond
	atOnce     = 5 * time.Millisecond
	afterAFail = time.Second // or a thirtieth of TTL, if that is less
)

// soon requests a round at once.
func (l *Leases) soon() {
	select {
	case l.now <- struct{}{}:
	default:
	}
}

// run makes the rounds until Close.
func (l *Leases) run() {
	var due time.Time
	timer := time.NewTimer(time.Hour) // not zero, with which the race detector of Go 1.26 has trouble in synctest bubbles
	defer timer.Stop()
	for {
		if time.Until(due) <= 0 || l.ready() {
			pause := l.pause()
			if l.round(l.ctx, false) != nil {
				pause /= 3 // a round that hung has used a third of TTL already
			}
			due = time.Now().Add(pause)
		}
		timer.Reset(l.next(due))
		select {
		case <-l.ctx.Done():
			return
		case <-timer.C:
		case <-l.now:
			if wanted := time.Now().Add(l.atOnce()); wanted.Before(due) {
				due = wanted
			}
		}
	}
}

// atOnce is the delay of a round that a turn waits for.
func (l *Leases) atOnce() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return max(min(l.cfg.TTL/30, afterAFail), atOnce)
	}
	return atOnce
}

// pause is the time between two rounds: a third of TTL, less a random part, so that
// processes that began together do not stay together.
func (l *Leases) pause() time.Duration {
	third := l.cfg.TTL / 3
	return third - rand.N(third/5+1)
}

// next is the time until there may be something to do: when the next round is due, or
// sooner if a lease is to be returned.
func (l *Leases) next(due time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.leaving) > 0 && !l.gone {
		return min(time.Until(due), lookEvery)
	}
	return time.Until(due)
}

// ready reports whether a lease can be returned now. A store that does not answer gets no
// extra rounds for that.
func (l *Leases) ready() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return false
	}
	for _, h := range l.leaving {
		if h.idle() {
			return true
		}
	}
	return len(l.stray) > 0
}

// round makes one round and applies its result.
func (l *Leases) round(ctx context.Context, leaving bool) error {
	asked := l.request(leaving)
	ctx, cancel := context.WithTimeout(ctx, l.cfg.TTL/3)
	defer cancel()
	began := time.Now()
	standing, err := l.cfg.Store.Round(ctx, asked)
	if err == nil {
		err = ctx.Err() // a commit that ran into its timeout may be lost in a failover although it succeeded
	}
	if err == nil {
		err = l.cfg.invalid(&asked, &standing)
	}
	if err != nil {
		if leaving || l.ctx.Err() == nil { // else Close has cancelled it, and makes its own
			l.failed(err)
		}
		return err
	}
	l.succeeded(asked, standing, began)
	return nil
}

// request builds the next round.
func (l *Leases) request(leaving bool) Round {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Round{Owner: l.cfg.Owner, Keys: l.cfg.Keys, TTL: l.cfg.TTL, Most: l.cfg.Most, Leaving: leaving}
	now := wallclock.Now()
	for _, key := range slices.Sorted(maps.Keys(l.held)) {
		r.Renew = append(r.Renew, l.held[key].ceiling(now, l.unit, l.cfg.TTL))
	}
	for _, key := range slices.Sorted(maps.Keys(l.leaving)) {
		if h := l.leaving[key]; h.idle() {
			r.Return = append(r.Return, Record{h.Key, h.Epoch, h.lane.Last()})
		} else {
			r.Renew = append(r.Renew, h.ceiling(now, l.unit, l.cfg.TTL))
		}
	}
	r.Return = append(r.Return, l.stray...)
	return r
}

// failed records that a round failed. Leases stay valid for as long as they were granted.
func (l *Leases) failed(err error) {
	l.mu.Lock()
	first := !l.gone
	l.gone = true
	all := slices.Collect(maps.Values(l.held))
	l.mu.Unlock()
	for _, h := range all {
		h.granted(Record{}, time.Time{}, err)
	}
	if first && !errors.Is(err, context.Canceled) {
		l.notify(Event{Kind: StoreGone, Err: err})
	}
}

// succeeded applies the result of a round.
func (l *Leases) succeeded(asked Round, s Standing, began time.Time) {
	c := changes{Leases: l, ours: make(map[string]Record, len(s.Records)), until: began.Add(l.cfg.TTL)}
	for _, r := range s.Records {
		c.ours[r.Key] = r
	}
	l.mu.Lock()
	if l.gone {
		c.events = append(c.events, Event{Kind: StoreBack, For: began.Sub(l.heard)})
	}
	l.gone, l.heard, l.alive = false, began, s.Alive
	c.returned(asked.Return)
	c.lost()
	if !asked.Leaving && !l.closed {
		c.taken()
		c.surplus(asked.Share(s.Alive))
	} else {
		l.stray = c.strays()
	}
	if c.any {
		l.refresh()
	}
	l.mu.Unlock()
	for _, h := range c.over { // no longer in the pool
		h.end()
	}
	for _, e := range c.events {
		l.notify(e)
	}
}
