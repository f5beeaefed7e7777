package retry

import (
	"slices"
	"sync"

	"github.com/nexpay-go/resilience/internal/protocol"
)

// mostDoubtful is how many operations a Retrier without a Journal remembers as in doubt, some
// 250 bytes each. Above it the oldest are forgotten.
const mostDoubtful = 100_000

// doubts are the operations that ended in doubt without a Journal, as a Journal would hold
// them. It is safe for concurrent use.
type doubts struct {
	mu    sync.Mutex
	byID  map[string]remembered
	order []numbered // as they came; those that were settled or came again are stale
	n     uint64     // numbers them
}

type remembered struct {
	entry Entry
	n     uint64
}

type numbered struct {
	id string
	n  uint64
}

func (d *doubts) add(e Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byID == nil {
		d.byID = make(map[string]remembered)
	}
	d.n++
	d.byID[e.ID] = remembered{e, d.n}
	d.order = append(d.order, numbered{e.ID, d.n})
	if len(d.order) > 2*len(d.byID)+16 {
		d.order = slices.DeleteFunc(d.order, d.stale)
	}
	for len(d.byID) > mostDoubtful {
		if oldest := d.order[0]; !d.stale(oldest) {
			delete(d.byID, oldest.id)
		}
		d.order = d.order[1:]
	}
}

func (d *doubts) stale(o numbered) bool { return d.byID[o.id].n != o.n }

func (d *doubts) len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.byID)
}

func (d *doubts) settle(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.byID, id)
}

// held returns the entry of an operation in doubt, the zero Entry if there is none.
func (d *doubts) held(id string) Entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byID[id].entry
}

// remember keeps for later calls how the payment ended, where no Journal does. returned
// says that the caller learns it: no panic, and no exit in a hook, ended the call.
func (p *payment) remember(returned bool) {
	r := p.call.r
	if r.journal != nil || p.entry.State != EntryOpen { // or nothing was sent, as far as is known
		return
	}
	switch phase := p.state.Phase; {
	case phase == protocol.NotApplied, phase == protocol.Applied && returned:
		r.doubts.settle(p.id)
	case p.inDoubt, phase == protocol.Sending, phase == protocol.Applied:
		p.entry.TraceIDs = slices.Clone(p.doubt.TraceIDs) // those are the caller's now
		r.doubts.add(p.entry)
	}
}
