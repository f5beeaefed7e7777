package protocol

import (
	"fmt"
	"time"
)

// A Phase is where a payment stands.
type Phase uint8

const (
	Start   Phase = iota // the journal has not been read
	Clear                // nothing sent so far can have taken effect: it may be sent
	Sending              // begun in the journal, and on its way
	Doubt                // it may have happened
	Half                 // in doubt, and absent once
	Denied               // refused after an earlier doubt: ask before that is reported
	Fetch                // it happened; its value is asked for
	Closing              // not applied, if nobody else has gone on with it

	Applied    // the ends, from here on
	NotApplied // it did not happen
	Unknown    // nobody knows
	Busy       // another call is at it
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

// A Kind says what happened.
type Kind uint8

const (
	HeldNothing   Kind = iota // the journal holds nothing against the operation
	HeldOpen                  // an earlier process, or another one, began it and did not end it
	HeldApplied               // it is through
	HeldOther                 // the journal holds another operation under this ID
	JournalFailed             // what the journal holds nobody knows
	Begun                     // the journal holds this call's Begin: it may be sent
	Overtaken                 // another process has gone on with the operation
	Closed                    // the journal holds that it did not happen, or nothing of it
	Stopped                   // the class or a limit forbids to send it again, or at all
	Unsent                    // begun, and then something stood in the way
	Succeeded                 // Send returned no error
	Proved                    // Send failed, and is proved to have changed nothing
	Unproved                  // Send failed, panicked or exited, and may have changed something
	FoundApplied              // Verify: it happened
	FoundAbsent               // Verify: the API knows of no such operation
	GaveUp                    // there is no use, or no time, to look any longer
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

// TooOld is the age at which a doubt is not sent again any more, whatever Verify
// says: the vendor's records are archived, and people have begun to act.
const TooOld = time.Hour

// A State is all that is remembered of a payment between two events. Times are on
// one monotonic clock. The zero State is that of an operation with neither Settle
// nor Window.
type State struct {
	Phase Phase

	// What the operation says of itself.
	Settle    time.Duration // how long a sent request may still take effect
	Window    time.Duration // how long after the first send a replay may begin; 0: never
	LookFirst bool          // verified before a first send

	Ever    bool          // it was in doubt at some time
	Here    bool          // this call sent something that may have taken effect
	Foreign bool          // what is open in the journal another process began
	Replay  bool          // the send under way is a replay
	Lost    bool          // it happened, and its value cannot be had
	Fence   uint64        // the highest nonce that it was sent with, 0 if it draws its own
	Quiet   time.Duration // before that, somebody may still be sending it
	Due     time.Duration // when a second Absent counts
}

// An Event is something that happened, with the times that matter.
type Event struct {
	Kind Kind
	At   time.Duration // when it happened; of a lookup: when it was answered

	Asked time.Duration // FoundAbsent: when the lookup began
	Nonce uint64        // Begun: that the send carries. FoundAbsent: that the lookup carried. HeldOpen: of the entry. 0: none
	Same  bool          // FoundAbsent: on the key of the operation

	Age   time.Duration // Begun, FoundAbsent: of the last send that may have taken effect
	First time.Duration // Begun: since the first send
	Quiet time.Duration // HeldOpen, HeldNothing: until others cannot be sending any more

	Last    bool // Proved, Stopped: the API refused it for good
	Open    bool // HeldOther: that one is open or applied
	Through bool // Overtaken: the other one has booked it as applied
	Old     bool // JournalFailed while closing: others may have gone on meanwhile
}
