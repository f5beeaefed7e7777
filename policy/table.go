package policy

import (
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// A Table holds policies per code, per HTTP status and per class. [New] compiles it. Each
// field of the policy for an error comes from the first of these that sets it:
//
//	Codes[code] → Statuses[status] → Classes[class] → Default → Standard()
//
// The zero Table is the same as [Standard].
type Table struct {
	// Name is the name of the table in [Set.Origins]; optional.
	Name string

	// Catalog has the meaning of the codes. Explain needs it, and New uses it to find
	// policies that contradict it. Nil: codes and statuses are not checked.
	Catalog *classify.Catalog

	// AttemptTimeout limits one attempt, from its turn on the key to its answer. Zero or
	// [None]: the only limit is the context of the call. Without a limit a silent server
	// blocks the caller, and its key, for as long as that context allows.
	AttemptTimeout time.Duration

	// Default applies where nothing more specific is set.
	Default Policy
	// Classes has policies per class of error.
	Classes map[classify.Class]Policy
	// Statuses has policies per HTTP status, 100 to 599. They apply to every error with
	// that status. If the status alone decides and is not retryable, such as 401 or 404,
	// MaxAttempts cannot make it retryable, and New returns an error if there is a
	// Catalog. For a retryable code under such a status use Codes.
	Statuses map[int]Policy
	// Codes has policies per error code.
	Codes map[classify.Code]Policy
}

// overlay returns t with the fields that are set in over. It shares no map with either.
func (t Table) overlay(over Table) Table {
	t.Name = over.Name
	if over.Catalog != nil {
		t.Catalog = over.Catalog
	}
	if over.AttemptTimeout != 0 {
		t.AttemptTimeout = over.AttemptTimeout
	}
	t.Default.overlay(&over.Default)
	t.Classes = overlayMap(t.Classes, over.Classes)
	t.Statuses = overlayMap(t.Statuses, over.Statuses)
	t.Codes = overlayMap(t.Codes, over.Codes)
	return t
}

func overlayMap[K comparable](under, over map[K]Policy) map[K]Policy {
	m := make(map[K]Policy, len(under)+len(over))
	for k, p := range under {
		m[k] = p
	}
	for k, p := range over {
		q := m[k]
		q.overlay(&p)
		m[k] = q
	}
	return m
}
