package keylease

import (
	"fmt"
	"log/slog"
	"time"
)

// An EventKind is the kind of an [Event].
type EventKind uint8

const (
	Taken     EventKind = iota + 1 // this process took a key
	Returned                       // it was returned: other processes have too few, or Close was called
	Lost                           // another process took it, because it was not renewed for TTL
	StoreGone                      // a round failed; reported once
	StoreBack                      // a round succeeded after that
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

// MarshalText returns String, for JSON and logs. There is no UnmarshalText.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// An Event reports a change of a key or of the store. Fields may be added.
type Event struct {
	Kind  EventKind
	Key   string        // Taken, Returned, Lost
	Epoch int64         // of the lease
	For   time.Duration // Returned, Lost: how long the key was held; StoreBack: how long the store failed
	Err   error         // StoreGone: the error of the round; its text may contain the driver's
}

// LogValue returns the fields as a group, with the text of Err.
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
