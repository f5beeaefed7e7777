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
	// OnChange, if not nil, hears of every key that is locked or unlocked, under the same terms as
	// Config.OnStateChange. Set it before the first use.
	OnChange func(LockoutChange)

	locked  atomic.Pointer[keys] // nil: no key is locked
	mu      sync.Mutex           // orders changes of locked and guards freed
	freed   freed
	changes hook.Queue[LockoutChange]
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
}

// A LockoutChange is what Lockout.OnChange hears.
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
	return l.change(key, cause.Sent, &LockedError{
		Key: key, Code: cause.Code, At: time.Now(),
		TraceID: text.Line(cause.TraceID), Reason: text.Line(cause.Reason), Advice: text.Line(cause.Advice),
	})
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
	if l.OnChange != nil {
		l.changes.Push(lockoutChange(was, e))
	}
	l.mu.Unlock()
	l.changes.Drain("breaker.Lockout.OnChange", l.OnChange)
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
		e, c.At = is, is.At
	}
	c.Key, c.Cause = e.Key, LockCause{Code: e.Code, TraceID: e.TraceID, Reason: e.Reason, Advice: e.Advice}
	return c
}
