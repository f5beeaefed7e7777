package retry

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"
)

// A Journal remembers [DoOnce] operations across crashes. It holds at most one [Entry] per
// ID. MemoryJournal is one for tests. The module github.com/nexpay-go/resilience/journal
// has durable ones. Package journaltest tests other implementations against these rules.
//
// A Journal that can list its open entries has another method, see [PendingJournal], which
// [Recover] needs:
//
//	Pending(ctx context.Context) iter.Seq2[Entry, error]
//
// A Journal must be safe for concurrent use, by several processes if they share it.
type Journal interface {
	// Begin is called before every send. It is a compare-and-swap. If the entry held for
	// e.ID has e.Generation (0 means that none is held) and is not EntryApplied, e replaces
	// it, with a generation one higher. Otherwise nothing changes, and that is not an
	// error: [ReadGeneration] reads an entry in this way. In both cases Begin returns the
	// entry that is held afterwards, the zero Entry if there is none. Entry.Owner shows
	// whose Begin wrote it. If e.Generation is above the one held, the journal has lost an
	// entry, and Begin may return an error.
	//
	// When Begin has returned e, the entry is durable: no crash loses it. After an error, e
	// may be stored, or not stored, or stored later. The same Begin again finds that out:
	// if e was stored, it changes nothing and returns the held entry, which has e.Owner.
	Begin(ctx context.Context, e Entry) (Entry, error)

	// End sets State and TraceIDs of the entry held for e.ID to those of e, if the entry
	// has e.Generation and is EntryOpen. If the entry has e.Generation and already has
	// e.State, End changes nothing and returns nil. Otherwise it changes nothing and
	// returns an error that wraps [ErrBusy]: another caller has taken over the operation.
	// An End with EntryOpen only records the trace ids.
	End(ctx context.Context, e Entry) error
}

// A PendingJournal is a [Journal] that can list its open entries.
type PendingJournal interface {
	Journal
	// Pending yields every entry that is EntryOpen at the moment it is yielded. Begin and
	// End must not block if they are called while ranging over it.
	Pending(ctx context.Context) iter.Seq2[Entry, error]
}

// ReadGeneration is a generation that no entry has. A Begin with it changes nothing and
// returns what the journal holds.
const ReadGeneration = math.MaxInt64

// An Entry is what a [Journal] holds of one operation. It contains no request data and no
// secrets. A journal stores all fields as given. The caller, not the journal, copies First
// from one generation to the next. Entries stored before First and Takes existed have zero
// values there.
type Entry struct {
	ID          string
	Key         string // name of the API key that it was sent with; empty if the key has no name
	Fingerprint string // Operation.Fingerprint
	Owner       string // random, of the Begin that wrote the entry: tells two callers apart
	Nonce       uint64 // of the send; 0 if the operation takes its own nonces
	State       EntryState
	Generation  int64     // counts the Begins of this ID, from 1
	At          time.Time // time of the Begin, UTC
	// First is the time of the first Begin with an idempotency key, UTC, kept over all
	// generations. Zero if the operation was sent without one, see Operation.Idempotent.
	First    time.Time
	Takes    time.Duration // how long the send may take; 0: unknown
	TraceIDs []string      // of answers that left it in doubt, at most 16
}

// An EntryState is the state of an operation in a [Journal].
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

// MarshalText returns the text of String, for JSON and logs.
func (s EntryState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText parses the text of MarshalText, for a journal that stores JSON. It returns
// an error for any other text. The error does not contain the text.
func (s *EntryState) UnmarshalText(word []byte) error {
	for _, known := range []EntryState{EntryOpen, EntryApplied, EntryNotApplied} {
		if string(word) == known.String() {
			*s = known
			return nil
		}
	}
	return errors.New(`retry: the state of an entry is neither "open" nor "applied" nor "not applied"`)
}
