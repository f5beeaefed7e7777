package switchboard

import (
	"context"
	"time"

	"github.com/nexpay-go/resilience/breaker"
)

// A Kind is what an [Entry] is about.
type Kind string

// The kinds of entries.
const (
	Key     Kind = "key"     // On: it is locked out
	Breaker Kind = "breaker" // On: a person has isolated it
)

// An Entry is what was last said of one key or breaker.
type Entry struct {
	Kind  Kind
	Name  string
	On    bool              // locked out, or isolated
	Cause breaker.LockCause // of a key; By is the process, Sent and At are not used
	Age   time.Duration     // since it was last said, by the store's clock
}

// A Store holds the last entry for each key and breaker. [MemoryStore] is one for tests;
// the modules sqlboard and redisboard have those that processes share, and package
// switchboardtest holds any other to these rules. It must be safe for concurrent use, by
// several processes.
type Store interface {
	// Put says something of a key or a breaker that is as old as age: so long ago a person
	// has said it, or the request was sent that was answered so. What is the younger holds:
	//
	//   - If the entry that is held is younger, Put has no effect. So an answer that comes late
	//     locks no key that a person has unlocked since, and what a process was cut off with
	//     undoes nothing that others have said meanwhile.
	//   - If the entry that is held is On, and so is e, the first cause stays, and it is as old
	//     as e from then on.
	//
	// What is compared are durations and the store's own clock, never the clocks of two
	// processes. It has to be safe to run twice. After an error it may have happened or not.
	Put(ctx context.Context, e Entry, age time.Duration) error

	// All returns all entries. They are few, and are read as a whole each time.
	All(ctx context.Context) ([]Entry, error)
}
