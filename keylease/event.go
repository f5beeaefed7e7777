package keylease

import (
	"fmt"
	"log/slog"
	"time"
)

// An EventKind is what an [Event] tells of.
type EventKind uint8

const (
	Taken     EventKind = iota + 1 // a key is this process's now
	Returned                       // it was given back, as others have too few
	Lost                           // another process has it: this one had not renewed it for TTL
	StoreGone                      // a round failed; told once
	StoreBack                      // one succeeded after that
)

// String returns "taken", "returned", "lost", "store gone" or "store back".
func (k EventKind) String() string {
	switch k {
	case Taken:
		return "taken"
	case Returned:
		return "returned"
	case Lost:
		return "lost"
	case StoreGone:
		return "store gone"
	case StoreBack:
		return "store back"
	}
	return fmt.Sprintf("EventKind(%d)", uint8(k))
}

// MarshalText is String, for JSON and logs. It cannot be read back.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// An Event tells of keys and store. Fields may be added.
type Event struct {
	Kind  EventKind
	Key   string        // Taken, Returned, Lost
	Epoch int64         // of the lease
	For   time.Duration // Returned, Lost: how long it was held; StoreBack: how long it was gone
	Err   error         // StoreGone: what the round failed with; its text may hold what the driver says
}

// LogValue is the event in fields of its own, of Err the text.
func (e Event) LogValue() slog.Value {
	attrs := append(make([]slog.Attr, 0, 5), slog.String("kind", e.Kind.String()))
	if e.Key != "" {
		attrs = append(attrs, slog.String("key", e.Key), slog.Int64("epoch", e.Epoch))
	}
	if e.For != 0 {
		attrs = append(attrs, slog.Duration("for", e.For))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}
