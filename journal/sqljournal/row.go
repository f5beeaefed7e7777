package sqljournal

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/journal/internal/entry"
	"github.com/nexpay-go/resilience/journal/internal/failure"
	"github.com/nexpay-go/resilience/retry"
)

// timeLayout has a fixed width, so that times sort as text.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

func stamp(t time.Time) string { return t.UTC().Format(timeLayout) }

// A row is an entry in the table.
type row struct {
	keyName, fingerprint, owner string
	nonce                       int64 // the same 64 bits as the uint64, negative above the largest int64
	state                       string
	generation                  int64
	begunAt                     string
	firstAt                     string // empty: not known
	takesNS                     int64
	traceIDs                    string // a JSON array
	id                          string
}

func rowOf(e retry.Entry) row {
	traceIDs, _ := json.Marshal(append([]string{}, e.TraceIDs...)) // cannot fail for strings
	r := row{
		keyName: e.Key, fingerprint: e.Fingerprint, owner: e.Owner, nonce: int64(e.Nonce), state: e.State.String(),
		generation: e.Generation, begunAt: stamp(e.At), takesNS: int64(e.Takes), traceIDs: string(traceIDs), id: e.ID,
	}
	if !e.First.IsZero() {
		r.firstAt = stamp(e.First)
	}
	return r
}

// values returns the values in the order of the columns.
func (r *row) values() []any {
	return []any{r.keyName, r.fingerprint, r.owner, r.nonce, r.state, r.generation, r.begunAt, r.firstAt, r.takesNS, r.traceIDs, r.id}
}

// pointers returns pointers to the fields in the order of the columns.
func (r *row) pointers() []any {
	return []any{
		&r.keyName, &r.fingerprint, &r.owner, &r.nonce, &r.state, &r.generation, &r.begunAt, &r.firstAt, &r.takesNS, &r.traceIDs, &r.id,
	}
}

func (r *row) entry() (retry.Entry, error) {
	e := retry.Entry{
		ID: r.id, Key: r.keyName, Fingerprint: r.fingerprint, Owner: r.owner, Nonce: uint64(r.nonce),
		Generation: r.generation, Takes: time.Duration(r.takesNS),
	}
	var err error
	if e.State, err = entry.ParseState(r.state); err != nil {
		return retry.Entry{}, r.foreign("state", err)
	}
	if e.At, err = time.Parse(timeLayout, r.begunAt); err != nil {
		return retry.Entry{}, r.foreign("begun_at", err)
	}
	if r.firstAt != "" {
		if e.First, err = time.Parse(timeLayout, r.firstAt); err != nil {
			return retry.Entry{}, r.foreign("first_at", err)
		}
	}
	if err := json.Unmarshal([]byte(r.traceIDs), &e.TraceIDs); err != nil {
		return retry.Entry{}, r.foreign("trace_ids", err)
	}
	return e, nil
}

// foreign returns the error of a value that this package did not write.
func (r *row) foreign(column string, err error) error {
	return fmt.Errorf("the row of %q: %s: %w", r.id, column, failure.Hide("a row has an invalid "+column, err))
}
