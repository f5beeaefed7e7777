package switchboard

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/hook"
	"github.com/nexpay-go/resilience/internal/text"
)

// A Board shares lockouts and isolated breakers between this process and the others. Make
// it with New. It is safe for concurrent use, and must be closed.
type Board struct {
	cfg     Config
	stop    context.CancelFunc
	ctx     context.Context
	done    sync.WaitGroup
	unwatch func() // stops watching the Lockout

	mu      sync.Mutex
	pending map[name]*change // not written yet: the store's entries for them are outdated
	echoes  map[echo]int     // changes that this Board makes itself and has not been told of yet: not to be shared
	orders  map[name]*order  // of breakers
	wake    chan struct{}
	gone    time.Time // since when the store has not answered; zero: it answers
	events  hook.Queue[Event]
	reading atomic.Uint64 // counts the polls, and those that a hook held up
}

// A change is an entry on its way to the store.
type change struct {
	Entry
	at time.Time // when a person made it, or when the request was sent that found the key locked
}

// An echo is a change of a key that the Lockout reports back.
type echo struct {
	key    string
	locked bool
}

// New returns a Board that works until Close. It first reads the store, for at most a
// second and no longer than ctx allows, so that a locked key is locked here before the
// first call. It is no error if the store does not answer. The error lists everything
// that is wrong with cfg.
func New(ctx context.Context, cfg Config) (*Board, error) {
	cfg, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
	b := &Board{
		cfg: cfg, pending: make(map[name]*change), echoes: make(map[echo]int), orders: make(map[name]*order),
		wake: make(chan struct{}, 1),
	}
	b.ctx, b.stop = context.WithCancel(context.Background())
	b.unwatch = cfg.Lockout.Watch(b.observe)
	b.queueLocked()
	first, cancel := context.WithTimeout(ctx, firstPoll)
	b.poll(first, nil)
	cancel()
	b.done.Go(b.run)
	return b, nil
}

// queueLocked queues the keys that were found locked before this Board was made: the store
// may have an older unlock of them.
func (b *Board) queueLocked() {
	locked := b.cfg.Lockout.Locked()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range locked {
		if n := (name{Key, e.Key}); e.By == "" && b.pending[n] == nil { // else a later change is pending
			b.pending[n] = &change{Entry{Kind: Key, Name: e.Key, On: true, Cause: breaker.LockCause{
				Code: e.Code, TraceID: e.TraceID, Reason: e.Reason, Advice: e.Advice, Sent: e.Sent, At: e.At, By: b.cfg.Process,
			}}, e.Sent}
		}
	}
	b.rouse()
}

// Close stops the Board. It tries once more to write pending changes, for at most a
// second; if it cannot, it calls OnEvent.
func (b *Board) Close() {
	b.unwatch()
	b.stop()
	b.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), firstPoll)
	defer cancel()
	_ = b.put(ctx)
	told := make(chan struct{})
	go func() {
		defer close(told)
		b.tell()
	}()
	select { // a program that ends now still hears what was not written
	case <-told:
	case <-ctx.Done():
	}
}

// Isolate isolates the breaker with that name here and in every other process; see
// breaker.Breaker.Isolate.
func (b *Board) Isolate(breaker, reason string) { b.set(breaker, true, reason) }

// Reset resets the breaker with that name here, and in every other process that isolated
// it because of Isolate; see breaker.Breaker.Reset. The last call of Isolate or Reset
// decides in all processes, even if one of them was cut off from the store at the time of
// its call.
func (b *Board) Reset(breaker string) { b.set(breaker, false, "") }

func (b *Board) set(of string, on bool, reason string) {
	// Texts that every database accepts: one refused entry would be tried for ever. Those of
	// a Lockout are such texts already.
	e := Entry{Kind: Breaker, Name: text.Line(of), On: on, Cause: breaker.LockCause{Reason: text.Line(reason), By: b.cfg.Process}}
	b.queue(&change{e, time.Now()})
	b.direct(e, true)
}

// observe is the Lockout's watcher: quick, and never in the way of a call.
func (b *Board) observe(c breaker.LockoutChange) {
	if b.echoed(echo{c.Key, c.Locked}) {
		b.restore(c)
		return
	}
	e := Entry{Kind: Key, Name: c.Key, On: c.Locked, Cause: c.Cause}
	e.Cause.By = b.cfg.Process
	at := c.At // a person unlocked it
	if c.Locked {
		at = c.Cause.Sent
	}
	b.queue(&change{e, at})
}

// restore undoes a change that the Board has made just after the opposite was found or
// said here: that change is on its way to the store, and counts.
func (b *Board) restore(echoed breaker.LockoutChange) {
	if p := b.unwritten(name{Key, echoed.Key}); p != nil && p.On != echoed.Locked {
		e := p.Entry
		e.Age = time.Since(p.at)
		b.apply(e)
	}
}

// queue replaces the pending change of a name: only the last one counts, so there are
// never more than there are names.
func (b *Board) queue(p *change) {
	b.mu.Lock()
	b.pending[name{p.Kind, p.Name}] = p
	b.mu.Unlock()
	b.rouse()
}

func (b *Board) rouse() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// run writes and polls until Close.
func (b *Board) run() {
	ticker := time.NewTicker(b.cfg.Poll)
	defer ticker.Stop()
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-b.wake:
			_ = b.put(b.ctx)
		case <-ticker.C:
			b.poll(b.ctx, b.put(b.ctx))
		}
	}
}

// put writes the pending changes, up to the first that fails.
func (b *Board) put(ctx context.Context) error {
	for n, p := range b.allUnwritten() {
		limited, cancel := context.WithTimeout(ctx, firstPoll)
		err := b.cfg.Store.Put(limited, p.Entry, max(time.Since(p.at), 0))
		if err == nil {
			err = limited.Err() // a commit that ran into its timeout may be lost in a failover although it succeeded
		}
		cancel()
		if err != nil {
			b.answered(ctx, err)
			return err
		}
		b.mu.Lock()
		if b.pending[n] == p { // not replaced meanwhile
			delete(b.pending, n)
		}
		b.mu.Unlock()
	}
	return nil
}

// unwritten returns the pending change of a name, or nil.
func (b *Board) unwritten(n name) *change {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pending[n]
}

func (b *Board) allUnwritten() map[name]*change {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.pending)
}

// poll reads the store and applies its entries. It never runs at the same time as put, so
// what it reads is no older than what was written. A store answers if it also took what
// was to be written: failed is the error of that. Hooks of the Lockout and of breakers run
// on a goroutine of their own: one that hangs, or exits, must not end the polls.
func (b *Board) poll(ctx context.Context, failed error) {
	limited, cancel := context.WithTimeout(ctx, firstPoll)
	defer cancel()
	all, err := b.cfg.Store.All(limited)
	b.answered(ctx, cmp.Or(failed, err))
	n := b.reading.Add(1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, e := range all {
			if b.reading.Load() == n && b.unwritten(name{e.Kind, e.Name}) == nil {
				b.apply(e)
			}
		}
	}()
	select {
	case <-done:
	case <-limited.Done():
		b.reading.Add(1) // the rest is outdated, and the next poll reads it again
	}
}

// apply applies an entry in this process.
func (b *Board) apply(e Entry) {
	switch e.Kind {
	case Key:
		own := echo{e.Name, e.On}
		b.mu.Lock()
		b.echoes[own]++
		b.mu.Unlock()
		if !b.lock(e) { // nothing changed: there will be no report
			b.echoed(own)
		}
	case Breaker:
		b.direct(e, false)
	}
}

// echoed reports whether a change is one that the Board has made, and counts it as seen.
// The report may come late: whoever else changes the Lockout delivers it then.
func (b *Board) echoed(own echo) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.echoes[own]
	if n <= 1 {
		delete(b.echoes, own)
	} else {
		b.echoes[own]--
	}
	return n > 0
}

// lock reports whether it changed anything.
func (b *Board) lock(e Entry) bool {
	if !e.On {
		return b.cfg.Lockout.Unlock(e.Name)
	}
	cause := e.Cause
	cause.Sent, cause.At = time.Time{}, time.Now().Add(-e.Age)
	if cause.By == b.cfg.Process {
		cause.By = ""
	}
	return b.cfg.Lockout.Lock(e.Name, cause)
}

// answered records whether the store answers, and emits an event when that changes. It
// ignores an access that was broken off.
func (b *Board) answered(ctx context.Context, err error) {
	b.mu.Lock()
	gone := b.gone
	switch {
	case err != nil && gone.IsZero() && !errors.Is(ctx.Err(), context.Canceled):
		b.gone = time.Now()
		b.events.Push(Event{Gone: true, Err: err})
	case err == nil && !gone.IsZero():
		b.gone = time.Time{}
		b.events.Push(Event{For: time.Since(gone)})
	default:
		b.mu.Unlock()
		return
	}
	b.mu.Unlock()
	go b.tell()
}

// tell calls OnEvent. It may take its time, and may call Close.
func (b *Board) tell() {
	b.events.Drain("switchboard.Config.OnEvent", func(e Event) {
		if b.cfg.OnEvent != nil {
			b.cfg.OnEvent(e)
		}
	})
}
