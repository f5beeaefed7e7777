package protocol

import (
	"fmt"
	"time"
)

// A Phase is the state of a payment in the protocol.
type Phase uint8

const (
	Start   Phase = iota // the journal has not been read
	Clear                // nothing sent so far can have taken effect: it may be sent
	Sending              // begun in the journal, and on its way
	Doubt                // it may have happened
	Half                 // in doubt, and absent once
	Denied               // refused after an earlier doubt: ask before that is reported
	Fetch                // it happened; its value is being looked up
	Closing              // not applied, unless another process has taken over

	Applied    // the ends, from here on
	NotApplied // it did not happen
	Unknown    // the outcome is unknown
	Busy       // another call works on it
)

// Over reports whether p is an end.
func (p Phase) Over() bool { return p >= Applied }

var phases = [...]string{"Start", "Clear", "Sending", "Doubt", "Half", "Denied", "Fetch", "Closing", "Applied", "NotApplied", "Unknown", "Busy"}

// String returns the name of the phase.
func (p Phase) String() string {
	if int(p) < len(phases) {
		return phases[p]
	}
	return fmt.Sprintf("Phase(%d)", uint8(p))
}

// A Kind is the kind of an [Event].
type Kind uint8

const (
	HeldNothing   Kind = iota // the journal has nothing that forbids a send
	HeldOpen                  // another process began it and did not end it
	HeldApplied               // the journal says that it happened
	HeldOther                 // the journal holds another operation under this ID
	JournalFailed             // the state in the journal is unknown
	Begun                     // the journal has this call's Begin: it may be sent
	Overtaken                 // another process has taken over the operation
	Closed                    // the journal says that it did not happen, or has no entry
	Stopped                   // the class or a limit forbids to send it again, or at all
	Unsent                    // begun, but then something prevented the send
	Succeeded                 // Send returned no error
	Proved                    // Send failed, and is proved to have changed nothing
	Unproved                  // Send failed, panicked or exited, and may have changed something
	FoundApplied              // Verify: it happened
	FoundAbsent               // Verify: the API knows of no such operation
	GaveUp                    // further lookups are of no use, or there is no time
)

var kinds = [...]string{
	"HeldNothing", "HeldOpen", "HeldApplied", "HeldOther", "JournalFailed", "Begun", "Overtaken", "Closed", "Stopped", "Unsent",
	"Succeeded", "Proved", "Unproved", "FoundApplied", "FoundAbsent", "GaveUp",
}

// String returns the name of the kind.
func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// TooOld is the age from which an operation in doubt is not sent again, whatever Verify
// says: the vendor has archived its records, and people have begun to act.
const TooOld = time.Hour

// A State is what is remembered of a payment between two events. Times are on one monotonic
// clock. The zero State belongs to an operation with neither Settle nor Window.
type State struct {
	Phase Phase

	// how long a sent request may still take effect
	Settle    time.Duration // how long a sent request may still take effect
	Window    time.Duration // how long after the first send a replay may begin; 0: never
	LookFirst bool          // verified before a first send

	Ever    bool          // it has been in doubt
	Here    bool          // this call sent something that may have taken effect
	Foreign bool          // another process began the open entry
	Replay  bool          // the send under way is a replay
	Lost    bool          // it happened, but its value is lost
	Fence   uint64        // the highest nonce that it was sent with, 0 if it takes its own
	Quiet   time.Duration // until then, somebody may still be sending it
	Due     time.Duration // from when a second Absent counts
}

// An Event is something that happened, with the times that matter.
type Event struct {
	Kind Kind
	At   time.Duration // when it happened; of a lookup: when it was answered

	Asked time.Duration // FoundAbsent: when the lookup began
	// Nonce of the send (Begun), of the lookup (FoundAbsent) or of the entry (HeldOpen); 0:
	// none.
	Nonce uint64
	Same  bool // FoundAbsent: the lookup used the key of the operation

	Age   time.Duration // Begun, FoundAbsent: of the last send that may have taken effect
	First time.Duration // Begun: since the first send
	Quiet time.Duration // HeldOpen, HeldNothing: until others cannot be sending any more

	Last    bool // Proved, Stopped: the API refused it for good
	Open    bool // HeldOther: that entry is open or applied
	Through bool // Overtaken: the other process has recorded it as applied
	Old     bool // JournalFailed in Closing: others may have taken over meanwhile
}
