package switchboard

import (
	"context"
	"time"

	"github.com/nexpay-go/resilience/breaker"
)

// A Kind is the kind of an [Entry].
type Kind string

// The kinds of entries.
const (
	Key     Kind = "key"     // an API key; On: it is locked out
	Breaker Kind = "breaker" // a breaker; On: a person has isolated it
)

// An Entry is the last known state of one key or breaker.
type Entry struct {
	Kind  Kind
	Name  string
	On    bool              // locked out, or isolated
	Cause breaker.LockCause // of a key; By is the process, Sent and At are not used
	Age   time.Duration     // since it was last set, by the store's clock
}

// A Store holds the last entry for each key and breaker. [MemoryStore] is one for tests;
// processes share one from the modules sqlboard and redisboard. Package switchboardtest
// tests any other Store against these rules. A Store must be safe for concurrent use by
// several processes.
type Store interface {
	// Put stores e, which is age old: that long ago a person made the change, or the
	// request was sent that found the key locked. The younger entry wins:
	//
	//   - If the stored entry is younger, Put has no effect. So a late answer does not
	//     lock a key that a person has unlocked since, and a process that was cut off
	//     does not undo later changes of other processes.
	//   - If the stored entry is from the future, the store's clock was ahead and has been
	//     set back. It counts as older than e: it might be years until it is not.
	//   - If both the stored entry and e are On, the first cause stays, and the entry
	//     is as old as e from then on.
	//
	// Ages are compared by the store's own clock, never by the clocks of two processes.
	// It must be safe to run Put twice. After an error Put may or may not have happened.
	Put(ctx context.Context, e Entry, age time.Duration) error

	// All returns all entries. They are few, and are read together each time. With an
	// error it may return those entries that it could read: they are used.
	All(ctx context.Context) ([]Entry, error)
}
