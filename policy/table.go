package policy

import (
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// A Table is what [New] compiles: policies per code, per HTTP status and per
// class. Each field of the policy for an error comes from the first of these
// that sets it:
//
//	Codes[code] → Statuses[status] → Classes[class] → Default → what Standard() does
//
// The zero Table is that of [Standard].
type Table struct {
	// Name is what [Set.Origins] calls the table; optional.
	Name string

	// Catalog says what the codes mean. Explain needs it, and New uses it to
	// find policies that contradict it. Nil: codes and statuses are not checked.
	Catalog *classify.Catalog

	// AttemptTimeout bounds one send, from its turn on the key to its answer. Zero or [None]: no
	// bound but the context of the call. Without one a silent server holds the
	// caller, and its turn, for as long as that context allows.
	AttemptTimeout time.Duration

	// Default applies where nothing more special says otherwise.
	Default Policy
	// Classes holds policies per class of error.
	Classes map[classify.Class]Policy
	// Statuses holds policies per HTTP status, 100 to 599. They apply to every
	// error that came with it; where the status alone decides and is not
	// retryable, as 401 or 404 are not, no MaxAttempts makes it so, and New says
	// so if there is a Catalog. For a retryable code under such a status use
	// Codes.
	Statuses map[int]Policy
	// Codes holds policies per error code.
	Codes map[classify.Code]Policy
}

// overlay returns t with everything that over sets put on top, field by field.
// It shares no map with either.
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
