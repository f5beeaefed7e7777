package classify

import "fmt"

// Outcome is what a lookup found out about an operation that may have happened. It
// speaks of the operation, where [Effect] speaks of one failed request.
type Outcome uint8

const (
	Undecided Outcome = iota // no evidence either way: unreadable, cached, contradictory, or no answer
	Applied                  // it happened, whatever became of it afterwards
	Absent                   // the API itself says, in words of its own, that it knows of no such operation
)

var outcomeNames = [...]string{"undecided", "applied", "absent"}

// String returns "undecided", "applied" or "absent".
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// MarshalText is String, for JSON and logs. It cannot be read back.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
