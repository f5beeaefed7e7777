package nonce

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/nexpay-go/resilience/internal/hook"
)

// An EventKind is what an [Event] tells of.
type EventKind uint8

const (
	// EventForeign: the API refused two nonces in a row although no other request of the lane was ahead of them. Somebody
	// else sends on this key, or did, ahead of this clock. Jump says what the lane did about it; see [ForeignError].
	EventForeign EventKind = iota + 1
	// EventHighWater: the high-water file holds nothing that can be read, or a nonce farther ahead of the clock than the lane
	// may be, or could not be written, or a write has taken a second and is not over; Err says what happened, and
	// what to do. The same of LaneConfig.Reserve: it failed, or takes its time.
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

// MarshalText is String, for JSON and logs. It cannot be read back.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// An Event tells of something that a person should know of. Fields may be added.
type Event struct {
	Kind  EventKind
	Key   string        // name of the API key
	Nonce uint64        // the highest nonce handed out when it happened
	Ahead time.Duration // by how much that is ahead of the clock
	Jump  time.Duration // by how much the lane went ahead for it; 0: not at all
	Err   error         // of the high-water file, or the *ForeignError of a lane that has given up
}

// LogValue is the event in fields of its own, of Err the text.
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
