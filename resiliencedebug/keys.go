package resiliencedebug

import (
	"cmp"
	"slices"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/nonce"
)

// A keysPart is the section of the API keys.
type keysPart struct {
	Locked int      `json:"locked"` // how many are locked, including those not shown
	Keys   []keyRow `json:"keys"`   // at most 500, locked ones first
	More   int      `json:"more"`   // that are not shown
}

type keyRow struct {
	APIs   []string `json:"apis"` // the Retriers that use it
	Key    string   `json:"key"`  // its name
	Lane   *laneRow `json:"lane,omitempty"`
	Locked *lockRow `json:"locked,omitempty"` // absent: it is not locked
}

// API is the first of the Retriers that use it.
func (k *keyRow) API() string { return first(k.APIs) }

type laneRow struct {
	Turns        uint64  `json:"turns"`
	Waiting      int     `json:"waiting"`
	InFlight     int     `json:"in_flight"`
	Limit        int     `json:"limit"`
	Refusals     uint64  `json:"refusals"`      // nonces that the API refused
	Foreign      uint64  `json:"foreign"`       // how often somebody else used the key
	AheadSeconds float64 `json:"ahead_seconds"` // how far the last nonce is ahead of the clock

	Ahead time.Duration `json:"-"`
}

type lockRow struct {
	Code    string    `json:"code,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Advice  string    `json:"advice,omitempty"`
	TraceID string    `json:"trace_id,omitempty"`
	By      string    `json:"by,omitempty"` // the process that reported it, if it is another one
	Since   time.Time `json:"since"`
}

// keysNow returns nil if no key is known and none is locked.
func (p *page) keysNow() *keysPart {
	var rows []keyRow
	for _, l := range p.lockouts() {
		rows = append(rows, p.keysOf(l)...)
	}
	if len(rows) == 0 {
		return nil
	}
	slices.SortStableFunc(rows, func(a, b keyRow) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.API(), b.API()), cmp.Compare(a.Key, b.Key))
	})
	locked := 0
	for locked < len(rows) && rows[locked].Locked != nil {
		locked++
	}
	shown := min(len(rows), mostRows)
	return &keysPart{locked, rows[:shown], len(rows) - shown}
}

func (k *keyRow) rank() int {
	if k.Locked != nil {
		return 0
	}
	return 1
}

// A lockable is a lockout with the Retriers that have it.
type lockable struct {
	*breaker.Lockout
	apis []string
}

// lockouts returns all lockouts, each once.
func (p *page) lockouts() (all []*lockable) {
	known := map[*breaker.Lockout]*lockable{}
	for _, api := range p.names {
		l := p.retriers[api].Lockout()
		if known[l] == nil {
			known[l] = &lockable{Lockout: l}
			all = append(all, known[l])
		}
		known[l].apis = append(known[l].apis, api)
	}
	return all
}

// keysOf returns the keys of the Retriers that share a lockout: a name means the same key
// in all of them.
func (p *page) keysOf(l *lockable) (rows []keyRow) {
	at := map[string]int{}
	row := func(key string) *keyRow {
		i, known := at[key]
		if !known {
			i, at[key] = len(rows), len(rows)
			rows = append(rows, keyRow{Key: key})
		}
		return &rows[i]
	}
	for _, api := range l.apis {
		for _, s := range lanesOf(p.retriers[api].Nonces()) {
			r := row(s.Key)
			r.APIs = append(r.APIs, api)
			r.Lane = &laneRow{s.Turns, s.Waiting, s.InFlight, s.Limit, s.Refusals, s.Foreign, s.Ahead.Seconds(), s.Ahead}
		}
	}
	for _, e := range l.Locked() {
		r := row(e.Key)
		if r.APIs == nil {
			r.APIs = l.apis
		}
		r.Locked = &lockRow{e.Code, e.Reason, e.Advice, e.TraceID, e.By, e.At.UTC()}
	}
	return rows
}

// lanesOf returns the stats of a source's lanes, if it has any.
func lanesOf(source nonce.Source) (lanes []nonce.Stats) {
	contained("Nonces", func() {
		switch s := source.(type) {
		case interface{ Stats() nonce.Stats }:
			lanes = []nonce.Stats{s.Stats()}
		case interface{ Stats() []nonce.Stats }:
			lanes = s.Stats()
		case interface{ Lanes() []nonce.Stats }:
			lanes = s.Lanes()
		}
	})
	return lanes
}
