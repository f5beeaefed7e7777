package classify

import "fmt"

// Outcome is the result of a lookup of an operation that may have happened. It is about
// the operation, where [Effect] is about one failed request.
type Outcome uint8

const (
	Undecided Outcome = iota // no evidence either way: unreadable, cached, contradictory, or no answer
	Applied                  // the operation happened, whatever became of it afterwards
	Absent                   // the API itself answered, in its documented form, that it knows of no such operation
)

var outcomeNames = [...]string{"undecided", "applied", "absent"}

// String returns "undecided", "applied" or "absent".
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// MarshalText returns the same as String, for JSON and logs. There is no UnmarshalText.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
