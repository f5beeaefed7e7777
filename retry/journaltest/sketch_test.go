package journaltest_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

// A sketch is a handle on a journal with a flaw.
type sketch struct {
	flaw
	turn chan struct{} // holds one: the right to read and write. In virtual time a channel is waited for, and a mutex is not
	*kept
}

type kept struct {
	mu   sync.Mutex // guards byID
	byID map[string]retry.Entry
}

func newSketch(f flaw) *sketch {
	return &sketch{f, make(chan struct{}, 1), &kept{byID: map[string]retry.Entry{}}}
}

func (s *sketch) beside() (retry.Journal, error) {
	other := &sketch{s.flaw, s.turn, s.kept}
	if s.flaw == lockPerHandle {
		other.turn = make(chan struct{}, 1)
	}
	return other, nil
}

func (s *sketch) reopen() (retry.Journal, error) {
	again := newSketch(s.flaw)
	for id, e := range s.byID {
		if s.flaw == forgetsEnds {
			e.State, e.TraceIDs = retry.EntryOpen, nil
		}
		if s.flaw != forgets {
			again.byID[id] = e
		}
	}
	if s.flaw == pendingForgotten {
		again.flaw = pendingNothing
	}
	return again, nil
}

func (s *sketch) enter(ctx context.Context) error {
	if s.flaw == ignoresContext {
		ctx = context.WithoutCancel(ctx)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.flaw == notAtomic {
		return nil
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *sketch) leave() {
	if s.flaw != notAtomic {
		<-s.turn
	}
}

func (s *sketch) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	reading := e.Generation == retry.ReadGeneration
	if s.flaw == panics && !reading {
		panic("no such thing")
	}
	if err := s.enter(ctx); err != nil {
		return retry.Entry{}, err
	}
	defer s.leave()
	held, ok := s.get(e.ID)
	switch {
	case !ok && reading && s.flaw == readMissing:
		return retry.Entry{}, errors.New("no such entry")
	case s.takes(held, e):
		held = s.put(s.bend(held, e))
	case s.flaw == answersOwn && !reading:
		return e, nil
	case s.flaw == repeatFails && held.Owner == e.Owner:
		return retry.Entry{}, errors.New("duplicate")
	}
	return s.give(held), nil
}

// takes reports whether e takes the place of what is held.
func (s *sketch) takes(held, e retry.Entry) bool {
	switch same := held.Generation == e.Generation; {
	case e.Generation == retry.ReadGeneration:
		return s.flaw == readStores
	case held.State == retry.EntryApplied:
		return same && s.flaw == overApplied
	case held.State == retry.EntryNotApplied && s.flaw == neverAgain:
		return false
	case s.flaw == noCAS:
		return true
	case s.flaw == lowerCAS:
		return e.Generation >= held.Generation
	default:
		return same
	}
}

// bend returns e as it is stored.
func (s *sketch) bend(held, e retry.Entry) retry.Entry {
	if s.flaw != sharesGiven {
		e.TraceIDs = slices.Clone(e.TraceIDs)
	}
	if e.Generation = held.Generation; s.flaw != sameGeneration {
		e.Generation++
	}
	switch s.flaw {
	case ownerDropped:
		e.Owner = ""
	case fingerprintOnce:
		e.Fingerprint = cmp.Or(held.Fingerprint, e.Fingerprint)
	case tracesDropped:
		e.TraceIDs = nil
	case fewTraces:
		e.TraceIDs = e.TraceIDs[:min(8, len(e.TraceIDs))]
	case floatNonce:
		e.Nonce = uint64(float64(e.Nonce))
	case signedNonce:
		e.Nonce = min(e.Nonce, math.MaxInt64)
	case millis:
		e.At = e.At.Truncate(time.Millisecond)
	case firstOnce:
		e.First = cmp.Or(held.First, e.First)
	case firstIsAt:
		e.First = e.At
	case firstUnix:
		if e.First.IsZero() {
			e.First = time.Unix(0, 0).UTC()
		}
	case takesDropped:
		e.Takes = 0
	case takesSeconds:
		e.Takes = e.Takes.Truncate(time.Second)
	case localTime:
		e.At = e.At.In(time.FixedZone("elsewhere", 3600))
	case mendsUTF8:
		e.Key, e.Fingerprint = strings.ToValidUTF8(e.Key, ""), strings.ToValidUTF8(e.Fingerprint, "")
	}
	return e
}

func (s *sketch) End(ctx context.Context, e retry.Entry) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	held, ok := s.get(e.ID)
	switch {
	case !ok && s.flaw == endCreates:
		s.put(e)
		return nil
	case !ok || !s.ends(held, e):
		return s.busy()
	case held.State != retry.EntryOpen && s.flaw != lateEnd && s.flaw != endRewrites,
		e.State == retry.EntryOpen && s.flaw == endNotesNothing:
		return nil
	case s.flaw == endStoresAll:
		held = e
	}
	held.State, held.TraceIDs = e.State, e.TraceIDs
	if s.flaw == endForgetsTimes {
		held.First, held.Takes = time.Time{}, 0
	}
	if s.flaw != sharesGiven {
		held.TraceIDs = slices.Clone(e.TraceIDs)
	}
	s.put(held)
	return nil
}

// ends reports whether e may end, or has ended, what is held.
func (s *sketch) ends(held, e retry.Entry) bool {
	switch {
	case s.flaw == anyEnd:
	case s.flaw == olderEnd && e.Generation < held.Generation:
	case held.Generation != e.Generation:
		return false
	}
	return held.State == retry.EntryOpen || s.flaw == lateEnd || held.State == e.State && s.flaw != endOnce
}

func (s *sketch) busy() error {
	switch s.flaw {
	case silentEnd:
		return nil
	case plainEnd:
		return errors.New("too late")
	}
	return fmt.Errorf("sketch: %w", retry.ErrBusy)
}

func (s *sketch) Pending(ctx context.Context) iter.Seq2[retry.Entry, error] {
	return func(yield func(retry.Entry, error) bool) {
		if s.flaw == locksPending {
			if err := s.enter(ctx); err != nil {
				yield(retry.Entry{}, err)
				return
			}
			defer s.leave()
		}
		listed := s.list()
		for i := 0; i < len(listed); i++ {
			e, _ := s.get(listed[i].ID)
			if s.flaw == pendingStale {
				e = listed[i]
			}
			var err error
			if s.flaw != pendingGoesOn {
				err = ctx.Err()
			}
			if err == nil && e.State != retry.EntryOpen && s.flaw != pendingAll {
				continue
			}
			if !yield(s.give(e), err) || err != nil {
				return
			}
			if e, _ := s.get(e.ID); s.flaw == pendingTwice && e.Generation != listed[i].Generation {
				listed = append(listed, e)
			}
		}
	}
}

func (s *sketch) list() (listed []retry.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.byID)) {
		if e := s.byID[id]; (e.State == retry.EntryOpen || s.flaw == pendingAll) && s.flaw != pendingNothing {
			listed = append(listed, e)
		}
	}
	return listed
}

func (s *sketch) get(id string) (retry.Entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.byID[s.key(id)]
	return e, ok
}

// put stores e, late if the flaw is that others can come between.
func (s *sketch) put(e retry.Entry) retry.Entry {
	if s.flaw == notAtomic || s.flaw == lockPerHandle {
		runtime.Gosched()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[s.key(e.ID)] = e
	return e
}

func (s *sketch) give(held retry.Entry) retry.Entry {
	if s.flaw != sharesHeld {
		held.TraceIDs = slices.Clone(held.TraceIDs)
	}
	return held
}

func (s *sketch) key(id string) string {
	switch s.flaw {
	case foldsCase:
		return strings.ToLower(id)
	case trimsSpace:
		return strings.TrimRight(id, " ")
	case cutsAtNUL:
		id, _, _ = strings.Cut(id, "\x00")
	case cutsLong:
		return id[:min(255, len(id))]
	}
	return id
}
