package switchboard

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/breaker"
)

// A Board passes on what is said of keys and breakers, between this process and the
// others. It is safe for concurrent use, and needs closing.
type Board struct {
	cfg    Config
	stop   context.CancelFunc
	ctx    context.Context
	done   sync.WaitGroup
	silent func() // ends the watching of the Lockout

	mu       sync.Mutex
	news     map[name]*piece // to be put: what the store has of them is old
	applying map[echo]int    // changes that this Board makes: they are no news
	known    map[string]bool // whether a key is locked, as was last said or heard
	orders   map[name]*order // of breakers
	wake     chan struct{}
	gone     time.Time // since when the store does not answer; zero: it does
}

// A piece of news is an entry on its way to the store.
type piece struct {
	Entry
	at time.Time // that a person said it, or that the request was sent that was answered so
}

// An echo is a change of a key.
type echo struct {
	key    string
	locked bool
}

// New returns a Board that works until Close. It waits until the store has been read for
// the first time, at most a second, or as long as ctx: so a key that is locked is locked
// here before the first call. A store that does not answer is no error. The error tells
// everything that is wrong with cfg.
func New(ctx context.Context, cfg Config) (*Board, error) {
	cfg, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
	b := &Board{
		cfg: cfg, news: make(map[name]*piece), applying: make(map[echo]int), known: make(map[string]bool), orders: make(map[name]*order),
		wake: make(chan struct{}, 1),
	}
	b.ctx, b.stop = context.WithCancel(context.Background())
	b.silent = cfg.Lockout.Watch(b.heard)
	first, cancel := context.WithTimeout(ctx, firstPoll)
	b.poll(first)
	cancel()
	b.done.Go(b.run)
	return b, nil
}

// Close ends it. What is still to be put is tried once more, for a second at most.
func (b *Board) Close() {
	b.silent()
	b.stop()
	b.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), firstPoll)
	defer cancel()
	b.put(ctx)
}

// Isolate isolates the breaker of that name here and in every other process, see
// breaker.Breaker.Isolate.
func (b *Board) Isolate(breaker, reason string) { b.say(breaker, true, reason) }

// Reset resets the breaker of that name here, see breaker.Breaker.Reset, and in every other
// process that has isolated it as Isolate has said. Of Isolate and Reset what was said last
// holds, in all processes, also where one of them was cut off from the store when it was
// said.
func (b *Board) Reset(breaker string) { b.say(breaker, false, "") }

func (b *Board) say(of string, on bool, reason string) {
	e := Entry{Kind: Breaker, Name: of, On: on, Cause: breaker.LockCause{Reason: storable(reason), By: b.cfg.Process}}
	b.queue(&piece{e, time.Now()})
	b.direct(e, true)
}

// storable is a text as every database takes it, for what one refuses keeps the rest
// waiting; those of a Lockout are.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
}

// heard is what the Lockout says to whoever watches: quick, and never in the way of a
// call.
func (b *Board) heard(c breaker.LockoutChange) {
	b.mu.Lock()
	known, said := b.known[c.Key]
	own := b.applying[echo{c.Key, c.Locked}] > 0 || said && known == c.Locked // which may come late
	if !own {
		b.known[c.Key] = c.Locked
	}
	b.mu.Unlock()
	if own {
		return
	}
	e := Entry{Kind: Key, Name: c.Key, On: c.Locked, Cause: c.Cause}
	e.Cause.By = b.cfg.Process
	at := c.At // of a person's word
	if c.Locked {
		at = c.Cause.Sent
	}
	b.queue(&piece{e, at})
}

// queue has the last that is said of a name put: what was said before that is no matter any
// more, so there are never more than there are names.
func (b *Board) queue(p *piece) {
	b.mu.Lock()
	b.news[name{p.Kind, p.Name}] = p
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// run puts and polls.
func (b *Board) run() {
	ticker := time.NewTicker(b.cfg.Poll)
	defer ticker.Stop()
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-b.wake:
			b.put(b.ctx)
		case <-ticker.C:
			b.put(b.ctx)
			b.poll(b.ctx)
		}
	}
}

// put puts the news, until one cannot be.
func (b *Board) put(ctx context.Context) {
	for n, p := range b.unsaid() {
		ctx, cancel := context.WithTimeout(ctx, firstPoll)
		err := b.cfg.Store.Put(ctx, p.Entry, max(time.Since(p.at), 0))
		cancel()
		b.answered(err)
		if err != nil {
			return
		}
		b.mu.Lock()
		if b.news[n] == p { // and nothing newer
			delete(b.news, n)
		}
		b.mu.Unlock()
	}
}

func (b *Board) unsaid() map[name]*piece {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.news)
}

// poll reads the store, and does as it says. It runs in turn with put: what it reads is no
// older than what was put.
func (b *Board) poll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstPoll)
	defer cancel()
	all, err := b.cfg.Store.All(ctx)
	b.answered(err)
	for _, e := range all {
		if n := (name{e.Kind, e.Name}); b.unsaid()[n] == nil {
			b.apply(e)
		}
	}
}

// apply does here what an entry says.
func (b *Board) apply(e Entry) {
	switch e.Kind {
	case Key:
		own := echo{e.Name, e.On}
		b.applies(own)
		b.lock(e)
		b.applied(own)
	case Breaker:
		b.direct(e, false)
	}
}

func (b *Board) applies(own echo) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.applying[own]++
	b.known[own.key] = own.locked
}

func (b *Board) applied(own echo) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.applying[own]--; b.applying[own] == 0 {
		delete(b.applying, own)
	}
}

func (b *Board) lock(e Entry) {
	if !e.On {
		b.cfg.Lockout.Unlock(e.Name)
		return
	}
	cause := e.Cause
	cause.Sent, cause.At = time.Time{}, time.Now().Add(-e.Age)
	if cause.By == b.cfg.Process {
		cause.By = ""
	}
	b.cfg.Lockout.Lock(e.Name, cause)
}

// answered notes whether the store does.
func (b *Board) answered(err error) {
	b.mu.Lock()
	gone := b.gone
	var event *Event
	switch {
	case err != nil && gone.IsZero() && b.ctx.Err() == nil:
		b.gone = time.Now()
		event = &Event{Gone: true, Err: err}
	case err == nil && !gone.IsZero():
		b.gone = time.Time{}
		event = &Event{For: time.Since(gone)}
	}
	b.mu.Unlock()
	if event != nil && b.cfg.OnEvent != nil {
		b.tell(*event)
	}
}

func (b *Board) tell(e Event) {
	defer func() {
		if p := recover(); p != nil {
			slog.Default().Error("a hook panicked", "hook", "switchboard.Config.OnEvent", "type", fmt.Sprintf("%T", p))
		}
	}()
	b.cfg.OnEvent(e)
}
