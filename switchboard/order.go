package switchboard

// An order is the last entry for a breaker.
type order struct {
	Entry
	times int  // how often it was set
	doing bool // a goroutine applies it, and entries set meanwhile
}

// direct applies an entry to a breaker if it differs from the last one, or always if
// anyway is set. Of two concurrent calls the one under way applies both entries, so that
// the last one wins.
func (b *Board) direct(e Entry, anyway bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.orders[name{e.Kind, e.Name}]
	if o == nil {
		o = new(order)
		b.orders[name{e.Kind, e.Name}] = o
	}
	if !anyway && o.On == e.On {
		return
	}
	o.Entry = e
	o.times++
	for done := 0; !o.doing && done != o.times; {
		done = o.times
		b.do(o)
	}
}

// do applies the entry. It is called with mu held, and releases it meanwhile.
func (b *Board) do(o *order) {
	e := o.Entry
	o.doing = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		o.doing = false
	}()
	b.isolate(e)
}

func (b *Board) isolate(e Entry) {
	if b.cfg.Breakers == nil {
		return
	}
	br := b.cfg.Breakers(e.Name)
	switch {
	case br == nil:
	case e.On:
		reason := e.Cause.Reason
		if e.Cause.By != b.cfg.Process {
			reason += " (by " + e.Cause.By + ")"
		}
		br.Isolate(reason)
	default:
		br.Reset()
	}
}
