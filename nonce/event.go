package nonce

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/nexpay-go/resilience/internal/hook"
)

// An EventKind is the kind of an [Event].
type EventKind uint8

const (
	// EventForeign: the API refused two nonces in a row although no other request of the
	// lane was ahead of them. Another sender uses this key, or used it, ahead of this
	// clock. Jump is what the lane did about it; see [ForeignError].
	EventForeign EventKind = iota + 1
	// EventHighWater: there is trouble with the high-water file. It is damaged, or holds
	// a nonce farther ahead of the clock than MaxAhead, or could not be written, or a
	// write has taken more than a second. Err says what happened and what to do. The same
	// kind reports a LaneConfig.Reserve that failed or takes more than a second.
	EventHighWater
)

// String returns the name of the kind.
func (k EventKind) String() string {
	switch k {
	case EventForeign:
		return "foreign writer"
	case EventHighWater:
		return "high-water file"
	}
	return fmt.Sprintf("EventKind(%d)", uint8(k))
}

// MarshalText returns String, for JSON and logs. There is no UnmarshalText.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// An Event reports something that a person should know about. Fields may be added.
type Event struct {
	Kind  EventKind
	Key   string        // name of the API key
	Nonce uint64        // the highest nonce handed out when it happened
	Ahead time.Duration // how far Nonce is ahead of the clock
	Jump  time.Duration // how far the lane jumped ahead because of it; 0: not at all
	Err   error         // EventHighWater: the error; EventForeign: a *ForeignError if the lane gave up
}

// LogValue returns the fields as a group, with the text of Err.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("kind", e.Kind.String()), slog.String("key", e.Key), slog.Uint64("nonce", e.Nonce),
		slog.Duration("ahead", e.Ahead), slog.Duration("jump", e.Jump),
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// emit is called under no lock.
func (l *Lane) emit(e Event) {
	if l.onEvent != nil {
		hook.Call("nonce.LaneConfig.OnEvent", func() { l.onEvent(e) })
	}
}
