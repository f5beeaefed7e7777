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
	ledger    map[string][]payment     // by id
	keys      map[string]*answered     // by scope
	first     map[string]time.Duration // by id: when it was first sent
}

// An answered request has left its answer under its idempotency key.
type answered struct {
	answer
	bad   bool          // its body
	ready time.Duration // before that, it is under way
}

// A payment is money that has moved. There should be one per id.
type payment struct {
	ref     string
	at      time.Duration
	visible time.Duration // to lookups, from then on
	of      *send
}

func newBank() *bank {
	return &bank{last: map[string]uint64{}, locked: map[string]bool{}, ledger: map[string][]payment{}, keys: map[string]*answered{}, first: map[string]time.Duration{}}
}

// A message is one request on its way, of which there may be copies.
type message struct {
	id, key string
	nonce   uint64
	bad     bool          // its content is wrong
	mood    int           // that it meets the bank in
	jump    uint64        // by which somebody else was ahead, if that is to be behind
	refusal *shape        // if that is to deny
	lag     time.Duration // until the payment shows
	busy    time.Duration // that the bank takes over it
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
	if w.keep == 0 {
		return b.execute(w, m)
	}
	if stored := b.stored(w, m); stored != nil {
		w.tracef("bank: %s on %s nonce %d: not again, %v", m, m.key, m.nonce, stored)
		return *stored
	}
	a := b.execute(w, m)
	a.after = m.busy
	if a.ref != "" || a.shape == internal || w.stores {
		b.keys[m.scope()] = &answered{answer: answer{ref: a.ref, shape: a.shape}, bad: m.bad, ready: w.now() + m.busy}
	}
	return a
}

// stored is the answer of an earlier request under the same key. The bank forgets
// it as soon as it may.
func (b *bank) stored(w *world, m *message) *answer {
	k := b.keys[m.scope()]
	switch {
	case k == nil, w.now() >= add(b.first[m.id], w.keep):
		return nil
	case k.bad != m.bad:
		return &answer{shape: otherBody}
	case w.now() < k.ready:
		return &answer{shape: inProgress}
	}
	return &k.answer
}

func (b *bank) execute(w *world, m *message) answer {
	switch {
	case m.bad:
		return answer{shape: wrongParameter}
	case w.dedup && len(b.ledger[m.id]) > 0:
		return answer{shape: duplicate}
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
			b.last[m.key] = max(b.last[m.key], m.nonce+m.jump)
			w.jumped = w.jumped || m.jump > 0
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

// scope is the idempotency key, which counts under one API key only.
func (m *message) scope() string { return m.key + "/" + m.id }

func (m *message) String() string {
	if m.of == nil {
		return "lookup"
	}
	return m.of.String()
}
