package switchboard

import (
	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/hook"
)

// An order is the last entry for a breaker.
type order struct {
	Entry
	times   int  // how often it was set
	missing bool // there was no such breaker
}

// direct applies an entry to a breaker. If it was read from the store, that is only done if
// it differs from the last one, and is not outdated by a change that is pending. Of two
// concurrent calls one applies both entries, so that the last one wins. Neither waits for
// the other, which a hook of the breaker may hold up.
func (b *Board) direct(e Entry, said bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.orders[name{e.Kind, e.Name}]
	if o == nil {
		o = new(order)
		b.orders[name{e.Kind, e.Name}] = o
	}
	if !said && (b.pending[name{e.Kind, e.Name}] != nil || o.On == e.On && !o.missing) {
		return
	}
	o.Entry = e
	o.times++
	for done := 0; done != o.times; {
		done = o.times
		b.do(o)
	}
}

// do applies the entry. It is called with mu held, and releases it meanwhile.
func (b *Board) do(o *order) {
	e := o.Entry
	b.mu.Unlock()
	found := true
	defer func() {
		b.mu.Lock()
		o.missing = !found
	}()
	hook.Call("switchboard.Config.Breakers", func() { found = b.isolate(e) })
}

// isolate isolates or resets the breaker with the entry's name, and reports whether there
// is one. A Group that is too small may forget the breaker before it is isolated, but not
// after that.
func (b *Board) isolate(e Entry) (found bool) {
	if b.cfg.Breakers == nil {
		return true
	}
	var last *breaker.Breaker
	for range 3 {
		br := b.cfg.Breakers(e.Name)
		if br == nil || br == last {
			break
		}
		set(br, e, b.cfg.Process)
		last = br
	}
	return last != nil
}

func set(br *breaker.Breaker, e Entry, process string) {
	if !e.On {
		br.Reset()
		return
	}
	reason := e.Cause.Reason
	if e.Cause.By != process {
		reason += " (by " + e.Cause.By + ")"
	}
	br.Isolate(reason)
}
