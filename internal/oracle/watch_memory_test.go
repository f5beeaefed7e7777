package oracle_test

import (
	"errors"
	"slices"

	"github.com/nexpay-go/resilience/retry"
)

// A memory is what a Retrier without a journal remembers: by ID, the last call that left
// it in doubt.
type memory map[string]*watch

// memory returns that of the call's Retrier.
func (c *call) memory() memory { return c.proc.memories[c.plan.retrier] }

// open returns an ID that the Retrier remembers, if there is any.
func (m memory) open() string {
	ids := make([]string, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return ""
	}
	return slices.Min(ids)
}

// recall takes over what an earlier call through the same Retrier left in doubt, or what
// the caller says may be.
func (w *watch) recall() {
	m := w.call.memory()[w.call.id]
	if m == nil {
		w.inherit(retry.Entry{})
		return
	}
	w.held = retry.Entry{Key: m.key, Fingerprint: m.call.operation().Fingerprint, State: retry.EntryOpen}
	if w.otherPrint() {
		return
	}
	w.earlier = m
	w.fence, w.key, w.pinned, w.since, w.quiet = m.fence, m.key, m.pinned, m.since, m.quiet
	w.doubt, w.ever, w.inherited = true, true, true
}

// remember keeps for the next call how this one has ended.
func (w *watch) remember() {
	c := w.call
	switch {
	case c.w.journal, c.finished && errors.Is(c.err, retry.ErrBusy), w.held.State != 0 && w.earlier == nil:
	case w.leftOpen():
		c.memory()[c.id] = w
	case c.finished || w.settled:
		delete(c.memory(), c.id)
	}
}

// leftOpen reports whether the call has left in doubt what it, or an earlier call, has sent.
func (w *watch) leftOpen() bool {
	if w.earlier == nil && len(w.sends) == 0 {
		return false
	}
	if w.call.finished {
		return errors.Is(w.call.err, retry.ErrOutcomeUnknown)
	}
	return w.doubt && !w.settled
}

// of reports whether a send is this call's, or that of an earlier call that it goes on from.
func (w *watch) of(s *send) bool {
	for ; w != nil; w = w.earlier {
		if s.by == w.call {
			return true
		}
	}
	return false
}
