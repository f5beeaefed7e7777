// Package entry has what journals think alike of entries.
package entry

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nexpay-go/resilience/journal/internal/failure"
	"github.com/nexpay-go/resilience/retry"
)

// MaxID is how many bytes an ID may have: the index of PostgreSQL takes 2704.
const MaxID = 1024

// maxField is for the other fields, which are names and hashes. It is far above
// what anybody needs, and keeps a mistake from filling the disk.
const maxField = 64 << 10

// Check reports all that keeps an entry from being stored and read again as it is.
func Check(e retry.Entry) error {
	errs := []error{CheckID(e.ID)}
	for name, text := range map[string]string{"Key": e.Key, "Fingerprint": e.Fingerprint, "Owner": e.Owner} {
		errs = append(errs, checkText(name, text, maxField))
	}
	if _, err := ParseState(e.State.String()); err != nil {
		errs = append(errs, err)
	}
	for name, at := range map[string]time.Time{"At": e.At, "First": e.First} {
		if y := at.UTC().Year(); y < 0 || y > 9999 {
			errs = append(errs, failure.Plain("the year of "+name+" has more than four digits"))
		}
	}
	return errors.Join(errs...)
}

// CheckID reports what keeps an ID from naming an entry.
func CheckID(id string) error {
	if id == "" {
		return failure.Plain("no ID")
	}
	return checkText("ID", id, MaxID)
}

// checkText does not quote the text: that is for the caller to tell.
func checkText(name, text string, longest int) error {
	switch {
	case len(text) > longest:
		return failure.Plain(fmt.Sprintf("%s has %d bytes, more than %d", name, len(text), longest))
	case !utf8.ValidString(text) || strings.Contains(text, "\x00"):
		return failure.Plain(name + " is no text in UTF-8 without NUL; write binary data in hexadecimal")
	}
	return nil
}

// ParseState is the opposite of EntryState.String.
func ParseState(text string) (retry.EntryState, error) {
	for _, s := range []retry.EntryState{retry.EntryOpen, retry.EntryApplied, retry.EntryNotApplied} {
		if s.String() == text {
			return s, nil
		}
	}
	return 0, fmt.Errorf("there is no state %q", text)
}

// Busy is what a late End returns.
func Busy(e, held retry.Entry) error {
	text := fmt.Sprintf("generation %d of the operation is not open: %v", e.Generation, retry.ErrBusy)
	if held.Generation < e.Generation {
		text = fmt.Sprintf("generation %d of the operation was acknowledged and is not held, but %d: the journal has lost it", e.Generation, held.Generation)
	}
	return failure.Wrap(text, retry.ErrBusy)
}

// MinAge is how long an operation must have ended before it may be forgotten: what is
// forgotten can be sent again, and within a day somebody may ask for it once more.
const MinAge = 24 * time.Hour

// CheckBefore refuses to forget what ended a moment ago.
func CheckBefore(before time.Time) error {
	if time.Since(before) < MinAge {
		return failure.Plain(fmt.Sprintf("operations that ended less than %v ago may still be asked for, and would be sent again: none was pruned", MinAge))
	}
	return nil
}
