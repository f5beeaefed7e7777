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

// How often what is to be returned is looked at, and after what time a round is made that
// somebody waits for: others will want one, too. A store that does not answer is not asked
// more often than the latter of the two.
const (
	lookEvery  = 10 * time.Millisecond
	atOnce     = 5 * time.Millisecond
	afterAFail = time.Second // or a thirtieth of TTL, if that is less
)

// soon asks for a round at once.
func (l *Leases) soon() {
	select {
	case l.now <- struct{}{}:
	default:
	}
}

// run makes the rounds until Close.
func (l *Leases) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var due time.Time
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-timer.C:
		case <-l.now:
			if wanted := time.Now().Add(l.atOnce()); wanted.Before(due) {
				due = wanted
			}
		}
		if time.Until(due) <= 0 || l.ready() {
			pause := l.pause()
			if l.round(l.ctx, false) != nil {
				pause /= 3 // a round that hung has taken a third of TTL already
			}
			due = time.Now().Add(pause)
		}
		timer.Reset(l.next(due))
	}
}

// atOnce is after what time a round is made that somebody waits for.
func (l *Leases) atOnce() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return max(min(l.cfg.TTL/30, afterAFail), atOnce)
	}
	return atOnce
}

// pause is between two rounds: three a TTL, drawn apart so that processes that began
// together do not ask together.
func (l *Leases) pause() time.Duration {
	third := l.cfg.TTL / 3
	return third - rand.N(third/5+1)
}

// next is after how long there may be something to do: when the next round is due, or
// sooner where a lease is to be returned.
func (l *Leases) next(due time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.leaving) > 0 && !l.gone {
		return min(time.Until(due), lookEvery)
	}
	return time.Until(due)
}

// ready reports whether a lease can be returned that is to be. A store that does not answer
// is not asked for that more often than for anything else.
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
	return false
}

// round makes one round, and does what it comes to.
func (l *Leases) round(ctx context.Context, leaving bool) error {
	asked := l.ask(leaving)
	ctx, cancel := context.WithTimeout(ctx, l.cfg.TTL/3)
	defer cancel()
	began := time.Now()
	standing, err := l.cfg.Store.Round(ctx, asked)
	if err != nil {
		if leaving || l.ctx.Err() == nil { // else Close has broken it off, and asks again
			l.failed(err)
		}
		return err
	}
	l.succeeded(asked, standing, began)
	return nil
}

// ask is what is to be asked of the store now.
func (l *Leases) ask(leaving bool) Round {
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
	return r
}

// failed takes in that a round failed. Leases go on for as long as what was granted lasts.
func (l *Leases) failed(err error) {
	l.mu.Lock()
	first := !l.gone
	l.gone = true
	all := slices.Collect(maps.Values(l.held))
	l.mu.Unlock()
	for _, h := range all {
		h.hear(Record{}, time.Time{}, err)
	}
	if first && !errors.Is(err, context.Canceled) {
		l.tell(Event{Kind: StoreGone, Err: err})
	}
}

// succeeded takes in what a round came to.
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
	}
	if c.any {
		l.refresh()
	}
	l.mu.Unlock()
	for _, h := range c.over { // in no pool any more
		h.end()
	}
	for _, e := range c.events {
		l.tell(e)
	}
}
