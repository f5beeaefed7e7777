// Package entry has the rules for entries that all journals share.
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

// MaxID is the longest ID in bytes: an index entry of PostgreSQL has at most 2704.
const MaxID = 1024

// maxField is the limit in bytes for the other fields, which are names and hashes. It
// is far more than needed, and prevents a mistake from filling the disk.
const maxField = 64 << 10

// Check reports everything that prevents an entry from being stored and read
// unchanged.
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

// CheckID reports what is wrong with an ID.
func CheckID(id string) error {
	if id == "" {
		return failure.Plain("no ID")
	}
	return checkText("ID", id, MaxID)
}

// checkText does not quote the text: the caller decides that.
func checkText(name, text string, longest int) error {
	switch {
	case len(text) > longest:
		return failure.Plain(fmt.Sprintf("%s has %d bytes, more than %d", name, len(text), longest))
	case !utf8.ValidString(text) || strings.Contains(text, "\x00"):
		return failure.Plain(name + " is not UTF-8 text without NUL; encode binary data in hexadecimal")
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
	return 0, fmt.Errorf("unknown state %q", text)
}

// Busy returns the error of a late End.
func Busy(e, held retry.Entry) error {
	text := fmt.Sprintf("generation %d of the operation is not open: %v", e.Generation, retry.ErrBusy)
	if held.Generation < e.Generation {
		text = fmt.Sprintf("generation %d of the operation was acknowledged, but the journal has generation %d: it has lost the later one", e.Generation, held.Generation)
	}
	return failure.Wrap(text, retry.ErrBusy)
}

// MinAge is how long an operation must have ended before it may be deleted. An
// operation that is deleted can be sent again, and within a day somebody may still
// request it again.
const MinAge = 24 * time.Hour

// CheckBefore refuses to delete operations that ended too recently.
func CheckBefore(before time.Time) error {
	if time.Since(before) < MinAge {
		return failure.Plain(fmt.Sprintf("operations that ended less than %v ago may still be requested, and would be sent again: none was pruned", MinAge))
	}
	return nil
}
