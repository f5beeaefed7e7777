package nonce

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nexpay-go/resilience/internal/text"
)

// A refusal is why a call cannot use a lane of a pool.
type refusal struct {
	lane int
	err  error
}

const (
	mostRefusals    = 8    // in an error; it gives the number of the others
	mostRefusalText = 1024 // bytes of each: what locked returned may be of any length
)

// refusedError reports that no key can be used, with the causes for some of them.
type refusedError struct {
	errs []error
	more int // refusals not in errs
}

// refusedBy makes an error with the refusals that pass soonest first, and with every kind
// of refusal in it.
func refusedBy(all []refusal) error {
	var byKind [kinds][]refusal
	for _, r := range all {
		k := kindOf(r.err)
		byKind[k] = append(byKind[k], r)
	}
	left, others := mostRefusals, 0 // places, and kinds that need one each
	for _, rs := range byKind {
		others += min(len(rs), 1)
	}
	e := &refusedError{}
	for _, rs := range byKind {
		if len(rs) == 0 {
			continue
		}
		slices.SortFunc(rs, soonest)
		others--
		n := min(len(rs), left-others)
		for _, r := range rs[:n] {
			e.errs = append(e.errs, r.err)
		}
		left -= n
	}
	e.more = len(all) - len(e.errs)
	return e
}

// Kinds of refusal, those that pass soonest first.
const (
	kindWait = iota
	kindLocked
	kindFile
	kindExhausted
	kindClosed
	kinds
)

func kindOf(err error) int {
	switch e := err.(type) {
	case *WaitError:
		return kindWait
	case *lockedError:
		return kindLocked
	case *ExhaustedError:
		return kindExhausted
	default:
		if errors.Is(e, ErrClosed) {
			return kindClosed
		}
	}
	return kindFile
}

// soonest compares two refusals of a kind: the shorter wait first, otherwise in the order
// of the lanes.
func soonest(a, b refusal) int {
	wa, waits := a.err.(*WaitError)
	wb, _ := b.err.(*WaitError)
	if waits && wa.Wait != wb.Wait {
		return int(min(max(wa.Wait-wb.Wait, -1), 1))
	}
	return a.lane - b.lane
}

func (e *refusedError) Error() string {
	texts := make([]string, len(e.errs))
	for i, err := range e.errs {
		texts[i] = text.Cut(strings.TrimPrefix(err.Error(), "nonce: "), mostRefusalText)
	}
	line := "nonce: " + strings.Join(texts, "; ")
	if e.more > 0 {
		line += fmt.Sprintf("; and %d more", e.more)
	}
	return line
}

func (e *refusedError) Unwrap() []error { return e.errs }

// A lockedError wraps what locked returned for a key.
type lockedError struct {
	key string
	err error
}

func (e *lockedError) Error() string { return fmt.Sprintf("nonce: key %q is locked: %v", e.key, e.err) }

func (e *lockedError) Unwrap() error { return e.err }
