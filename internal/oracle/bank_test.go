package oracle_test

import "time"

// The bank's moods: what it does with a request beyond what that deserves.
const (
	fair   = iota
	fails  = iota // internal error, before anything is done
	denies        // a refusal that has nothing to do with the payment
	hiccup        // it does what is asked, and answers 5xx
	behind        // somebody else has used the key with a higher nonce
	moods
)

// A bank keeps the truth. Its answers are worth what the way back makes of them.
type bank struct {
	last      map[string]uint64 // nonce, by key
	locked    map[string]bool   // keys
	suspended bool
	ledger    map[string][]payment // by id
}

// A payment is money that has moved. There should be one per id.
type payment struct {
	ref     string
	at      time.Duration
	visible time.Duration // to lookups, from then on
	of      *send
}

func newBank() *bank {
	return &bank{last: map[string]uint64{}, locked: map[string]bool{}, ledger: map[string][]payment{}}
}

// A message is one request on its way, of which there may be copies.
type message struct {
	id, key string
	nonce   uint64
	bad     bool          // its content is wrong
	mood    int           // that it meets the bank in
	refusal *shape        // if that is to deny
	lag     time.Duration // until the payment shows
	of      *send         // nil: it is a lookup
}

// take is the bank's doing. What it answers is a shape, a reference, or absent.
func (b *bank) take(w *world, m *message) answer {
	if refusal := b.refuses(w, m); refusal != nil {
		w.tracef("bank: %s on %s nonce %d: %s", m, m.key, m.nonce, refusal.name)
		return answer{shape: refusal}
	}
	if m.of == nil {
		return b.lookUp(w, m)
	}
	paid := payment{ref: w.ref(), at: w.now(), visible: w.now() + m.lag, of: m.of}
	b.ledger[m.id] = append(b.ledger[m.id], paid)
	w.tracef("bank: %s on %s nonce %d: PAID as %s, shows after %v", m, m.key, m.nonce, paid.ref, m.lag)
	w.atMostOnce(m.id)
	if m.mood == hiccup {
		return answer{shape: internal}
	}
	return answer{ref: paid.ref}
}

// refuses looks at the nonce first: of two copies the second is refused for
// that, whatever has changed between them.
func (b *bank) refuses(w *world, m *message) *shape {
	if w.strict {
		if m.mood == behind {
			b.last[m.key] = max(b.last[m.key], m.nonce)
		}
		if m.nonce <= b.last[m.key] {
			return staleNonce
		}
	}
	r := b.complains(w, m)
	if r == nil || w.spends {
		b.last[m.key] = max(b.last[m.key], m.nonce)
	}
	return r
}

func (b *bank) complains(w *world, m *message) *shape {
	switch {
	case b.locked[m.key]:
		return keyLocked
	case b.suspended:
		return suspended
	case m.mood == fails:
		return internal
	case m.mood == denies:
		return m.refusal
	case m.bad:
		return wrongParameter
	case w.dedup && m.of != nil && len(b.ledger[m.id]) > 0:
		return duplicate
	}
	return nil
}

func (b *bank) lookUp(w *world, m *message) answer {
	for _, p := range b.ledger[m.id] {
		if p.visible <= w.now() {
			w.tracef("bank: lookup on %s nonce %d: found %s", m.key, m.nonce, p.ref)
			return answer{ref: p.ref}
		}
	}
	w.tracef("bank: lookup on %s nonce %d: absent", m.key, m.nonce)
	return answer{absent: true}
}

func (m *message) String() string {
	if m.of == nil {
		return "lookup"
	}
	return m.of.String()
}
