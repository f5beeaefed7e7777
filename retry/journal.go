package retry

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"
)

// A Journal remembers [DoOnce] operations across crashes. It holds at most one
// [Entry] per ID. MemoryJournal is one for tests; the module
// github.com/nexpay-go/resilience/journal has durable ones, and package
// journaltest holds any other to these rules.
//
// A Journal that can list what is open has a method
//
//	Pending(ctx context.Context) iter.Seq2[Entry, error]
//
// too ([PendingJournal]), which [Recover] needs.
//
// It must be safe for concurrent use, by several processes too if they share it.
type Journal interface {
	// Begin is called before every send. It is a compare-and-swap: if the entry
	// held for e.ID has e.Generation (0: none is held) and is not EntryApplied,
	// e takes its place with the generation one higher. If not, nothing changes;
	// that is no error, and how the journal is read: see [ReadGeneration].
	// Either way Begin returns what is held now, the zero Entry if nothing is. A
	// generation above the one held may be an error: the journal has lost it.
	// Whose Begin it was that wrote an entry, Entry.Owner tells.
	//
	// When Begin has returned e, it is durable: no crash takes it back. After an
	// error e may have been stored or not, or be stored later. The same Begin once
	// more finds out: if e was stored, it changes nothing and returns e as it is
	// held, which its Owner shows.
	Begin(ctx context.Context, e Entry) (Entry, error)

	// End changes State and TraceIDs of the entry held for e.ID to those of e,
	// if it has e.Generation and is EntryOpen. If it is no longer open but has e's
	// generation and state already, End returns nil. Otherwise it changes nothing
	// and returns an error that wraps [ErrBusy]: somebody else has gone on with
	// the operation. An End with EntryOpen only notes the trace ids.
	End(ctx context.Context, e Entry) error
}

// A PendingJournal is a [Journal] that can list what is open.
type PendingJournal interface {
	Journal
	// Pending yields every entry that is EntryOpen when its turn comes. Calling
	// Begin and End while ranging over it must not block.
	Pending(ctx context.Context) iter.Seq2[Entry, error]
}

// ReadGeneration is the generation of no entry: a Begin with it changes nothing
// and returns what the journal holds.
const ReadGeneration = math.MaxInt64

// An Entry is what a [Journal] holds of one operation. It has no request data
// and no secrets. A journal stores all of it as it is given; it is the caller that
// carries First over from one generation to the next. Entries that were stored
// before First and Takes existed have the zero value there.
type Entry struct {
	ID          string
	Key         string // name of the API key it was sent with; empty if it has none
	Fingerprint string // Operation.Fingerprint
	Owner       string // at random, of the Begin that wrote it: tells two callers apart
	Nonce       uint64 // of the send; 0 if the operation draws its own
	State       EntryState
	Generation  int64         // counts the Begins of this ID, from 1
	At          time.Time     // of the Begin, UTC
	First       time.Time     // of the first Begin under a key that the API keeps, UTC, kept over generations; zero: it was sent without, see Operation.Idempotent
	Takes       time.Duration // how long its sender may take over the send; 0: not known
	TraceIDs    []string      // of answers that left it in doubt, at most 16
}

// An EntryState says how an operation in the journal stands.
type EntryState uint8

const (
	EntryOpen       EntryState = iota + 1 // begun: it may have been sent, and may have happened
	EntryApplied                          // it happened
	EntryNotApplied                       // proved not to have happened: it may be sent
)

// String returns "open", "applied" or "not applied".
func (s EntryState) String() string {
	switch s {
	case EntryOpen:
		return "open"
	case EntryApplied:
		return "applied"
	case EntryNotApplied:
		return "not applied"
	}
	return fmt.Sprintf("EntryState(%d)", uint8(s))
}

// MarshalText is String, for JSON and logs.
func (s EntryState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes, for a journal that stores JSON. Any
// other text is an error, which does not repeat it.
func (s *EntryState) UnmarshalText(word []byte) error {
	for _, known := range []EntryState{EntryOpen, EntryApplied, EntryNotApplied} {
		if string(word) == known.String() {
			*s = known
			return nil
		}
	}
	return errors.New(`retry: the state of an entry is neither "open" nor "applied" nor "not applied"`)
}
