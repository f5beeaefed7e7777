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

// A Lockout remembers which API keys no call can succeed with until a person has acted: locked, disabled, deleted. Such
// a key fails fast for every caller instead of drawing the same refusal over and over.
//
// The zero Lockout is ready to use and safe for concurrent use; it must not be copied. Keys are names, never secrets; the
// empty name is a key like any other, for programs that have only one.
type Lockout struct {
	locked   atomic.Pointer[keys] // nil: no key is locked
	mu       sync.Mutex           // orders changes of locked, and guards what follows
	freed    freed
	watchers []*watcher
}

// A watcher is a function that hears of changes, and what it has not heard yet.
type watcher struct {
	hear    func(LockoutChange)
	changes hook.Queue[LockoutChange]
}

// Watch has f hear of every key that is locked or unlocked from now on, under the same terms as Config.OnStateChange. stop
// ends that; a change that is being told of may still arrive. Any number may watch. f must not be nil.
func (l *Lockout) Watch(f func(LockoutChange)) (stop func()) {
	w := &watcher{hear: f}
	l.mu.Lock()
	l.watchers = append(slices.Clip(l.watchers), w)
	l.mu.Unlock()
	return func() {
		l.mu.Lock()
		l.watchers = slices.DeleteFunc(slices.Clone(l.watchers), func(o *watcher) bool { return o == w })
		l.mu.Unlock()
	}
}

// A LockCause is what the API said when it locked a key out.
type LockCause struct {
	Code    string // its error code, "" if none
	TraceID string // its name for the answer, for its support; may be empty
	Reason  string // what the code means, for people; may be empty
	Advice  string // what a person should do about it; may be empty

	// Sent is when the request was sent that was answered so; zero: now. An
	// answer to one sent before the key was last unlocked locks nothing.
	Sent time.Time

	At time.Time // when that was found out; zero: now
	By string    // who found it out, where that is another process; may be empty
}

// A LockoutChange is what a watcher of a Lockout hears.
type LockoutChange struct {
	Key    string
	Locked bool      // true: now locked; false: now unlocked
	Cause  LockCause // what locked it, in either case
	At     time.Time // of the change
}

// Check returns nil, or the *LockedError that says what locked the key. It takes no lock, and allocates nothing for a key
// that is not locked.
func (l *Lockout) Check(key string) error {
	if l.locked.Load() == nil {
		return nil
	}
	return l.check(key)
}

// check is apart from Check, so that this is inlined: nearly always no key is
// locked.
//
//go:noinline
func (l *Lockout) check(key string) error {
	if e := l.locked.Load().get(key); e != nil {
		c := *e // the caller may do with it as it likes
		return &c
	}
	return nil
}

// Lock keeps everyone off the key from now on. The first cause stays: Lock reports false, and changes nothing, if the
// key is locked already, or was unlocked after the request was sent that the cause answers. What is not printable is stripped from the texts of the cause, and 256 bytes of each are kept.
func (l *Lockout) Lock(key string, cause LockCause) bool {
	if l.Check(key) != nil {
		return false // spares the many callers who were all told so at once the lock
	}
	now := time.Now()
	return l.change(key, cause.Sent, &LockedError{
		Key: key, Code: cause.Code, At: orNow(cause.At, now), Sent: orNow(cause.Sent, now),
		TraceID: text.Line(cause.TraceID), Reason: text.Line(cause.Reason), Advice: text.Line(cause.Advice), By: text.Line(cause.By),
	})
}

func orNow(t, now time.Time) time.Time {
	if t.IsZero() {
		return now
	}
	return t
}

// Unlock lets calls with the key through again: for when a person has put right what locked it. It reports whether the
// key was locked.
func (l *Lockout) Unlock(key string) bool { return l.change(key, time.Time{}, nil) }

// Locked returns what locked the keys that are locked now, sorted by key.
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

// change locks the key with e, or unlocks it if e is nil. It reports false if that
// is so already, or if e answers what was sent before a person acted.
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
	for _, w := range watchers {
		w.changes.Drain("breaker.Lockout.Watch", w.hear)
	}
	return true
}

// memory is for how long a Lockout knows when a key was unlocked: no answer takes
// so long.
const memory = 24 * time.Hour

// freed is when keys were last unlocked.
type freed struct {
	when map[string]time.Time
	few  int // when may be twice as long as this before what is old is dropped
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
