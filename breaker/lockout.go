package breaker

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/internal/hook"
	"github.com/nexpay-go/resilience/internal/text"
)

// A Lockout remembers the API keys with which no call can succeed until a person has
// acted: locked, disabled or deleted keys. A call with such a key fails at once instead
// of getting the same refusal again.
//
// The zero Lockout is ready to use. It is safe for concurrent use and must not be copied.
// Keys are names, never secrets. The empty name is a valid key, for programs that have
// only one.
type Lockout struct {
	locked   atomic.Pointer[keys] // nil: no key is locked
	mu       sync.Mutex           // orders changes of locked, and guards what follows
	freed    freed
	watchers []*watcher
}

// A watcher is a function to call for changes, with the changes it has not received yet.
type watcher struct {
	notify  func(LockoutChange)
	changes hook.Queue[LockoutChange]
}

// Watch calls f for every key that is locked or unlocked from now on, under the same
// rules as Config.OnStateChange. stop ends that; a change that is being delivered may
// still arrive. There may be any number of watchers, which are called at the same time if
// there are several. f must not be nil.
func (l *Lockout) Watch(f func(LockoutChange)) (stop func()) {
	w := &watcher{notify: f}
	l.mu.Lock()
	l.watchers = append(slices.Clip(l.watchers), w)
	l.mu.Unlock()
	return func() {
		l.mu.Lock()
		l.watchers = slices.DeleteFunc(slices.Clone(l.watchers), func(o *watcher) bool { return o == w })
		l.mu.Unlock()
	}
}

// A LockCause describes the answer that locked a key out.
type LockCause struct {
	Code    string // the API's error code, "" if none
	TraceID string // the API's trace id, for its support; may be empty
	Reason  string // what the code means, for humans; may be empty
	Advice  string // what a person should do about it; may be empty

	// Sent is when the request was sent; zero means now. The answer to a request sent
	// before the key was last unlocked locks nothing.
	Sent time.Time

	At time.Time // when the lockout was detected; zero: now
	By string    // the process that detected it, if another; may be empty
}

// A LockoutChange describes one change of a Lockout to its watchers.
type LockoutChange struct {
	Key    string
	Locked bool      // true: now locked; false: now unlocked
	Cause  LockCause // what locked it, in either case
	At     time.Time // of the change
}

// Check returns nil, or a *LockedError if the key is locked. It takes no lock, and
// allocates nothing for a key that is not locked.
func (l *Lockout) Check(key string) error {
	if l.locked.Load() == nil {
		return nil
	}
	return l.check(key)
}

// check is separate from Check so that Check is inlined: nearly always no key is locked.
//
//go:noinline
func (l *Lockout) check(key string) error {
	if e := l.locked.Load().get(key); e != nil {
		c := *e // the caller may do with it as it likes
		return &c
	}
	return nil
}

// Lock locks the key out from now on. It reports false and changes nothing if the key is
// locked already, so the first cause stays, or if the key was unlocked after the request
// was sent (LockCause.Sent). Unprintable characters are stripped from the texts of the
// cause, and 256 bytes of each are kept.
func (l *Lockout) Lock(key string, cause LockCause) bool {
	if l.Check(key) != nil {
		return false // without the mutex: many callers may get the same answer at once
	}
	now := time.Now()
	return l.change(key, cause.Sent, &LockedError{
		Key: key, Code: text.Line(cause.Code), At: orNow(cause.At, now), Sent: orNow(cause.Sent, now),
		TraceID: text.Line(cause.TraceID), Reason: text.Line(cause.Reason), Advice: text.Line(cause.Advice), By: text.Line(cause.By),
	})
}

func orNow(t, now time.Time) time.Time {
	if t.IsZero() {
		return now
	}
	return t
}

// Unlock lets calls with the key through again. Call it once a person has fixed what
// locked the key. It reports whether the key was locked.
func (l *Lockout) Unlock(key string) bool { return l.change(key, time.Time{}, nil) }

// Locked returns the keys that are locked now, and why, sorted by key.
func (l *Lockout) Locked() []*LockedError {
	l.mu.Lock()
	all := l.locked.Load().all()
	l.mu.Unlock()
	for i, e := range all {
		c := *e
		all[i] = &c
	}
	slices.SortFunc(all, func(a, b *LockedError) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// change locks the key with e, or unlocks it if e is nil. It reports false if the key is
// in that state already, or if e answers a request sent before the last Unlock.
func (l *Lockout) change(key string, sent time.Time, e *LockedError) bool {
	l.mu.Lock()
	was := l.locked.Load().get(key)
	if (was == nil) == (e == nil) || !sent.IsZero() && sent.Before(l.freed.when[key]) {
		l.mu.Unlock()
		return false
	}
	if e != nil {
		l.locked.Store(l.locked.Load().with(e))
	} else {
		l.freed.note(key, time.Now())
		l.locked.Store(l.locked.Load().without(key))
	}
	watchers := l.watchers
	for _, w := range watchers {
		w.changes.Push(lockoutChange(was, e))
	}
	l.mu.Unlock()
	deliver(watchers)
	return true
}

// deliver returns when all watchers have been called. None waits for another one: the one
// that shares the change with other processes may be behind one that is slow.
func deliver(watchers []*watcher) {
	switch len(watchers) {
	case 0:
		return
	case 1:
		watchers[0].deliver()
		return
	}
	var all sync.WaitGroup
	for _, w := range watchers {
		all.Go(w.deliver)
	}
	all.Wait()
}

func (w *watcher) deliver() { w.changes.Drain("breaker.Lockout.Watch", w.notify) }

// memory is for how long a Lockout remembers when a key was unlocked: no answer takes
// that long.
const memory = 24 * time.Hour

// freed holds when keys were last unlocked.
type freed struct {
	when map[string]time.Time
	few  int // old entries are dropped when there are more than twice as many
}

func (f *freed) note(key string, now time.Time) {
	if f.when == nil {
		f.when, f.few = make(map[string]time.Time), 8
	}
	if f.when[key] = now; len(f.when) > 2*f.few {
		maps.DeleteFunc(f.when, func(_ string, at time.Time) bool { return now.Sub(at) > memory })
		f.few = max(8, len(f.when))
	}
}

// lockoutChange is the change from was to is, one of which is nil.
func lockoutChange(was, is *LockedError) LockoutChange {
	c := LockoutChange{Locked: is != nil, At: time.Now()}
	e := was
	if c.Locked {
		e = is
	}
	c.Key, c.Cause = e.Key, LockCause{
		Code: e.Code, TraceID: e.TraceID, Reason: e.Reason, Advice: e.Advice, Sent: e.Sent, At: e.At, By: e.By,
	}
	return c
}
