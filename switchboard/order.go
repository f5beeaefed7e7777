package switchboard

// An order is what was last said of a breaker.
type order struct {
	Entry
	times int  // that something was
	doing bool // somebody does it, and what is said meanwhile
}

// direct has a breaker do as the entry says: if that is new, or anyway. Of two who say
// something at once the one who is at it does both, so that the last word holds.
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

// do does what was said. It is called with mu held, and gives it back meanwhile.
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
			reason += " (said in " + e.Cause.By + ")"
		}
		br.Isolate(reason)
	default:
		br.Reset()
	}
}
