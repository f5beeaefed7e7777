package boltjournal

import (
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/nexpay-go/resilience/journal/internal/entry"
	"github.com/nexpay-go/resilience/retry"
)

// The file has one bucket, whose name contains the version of the format. It has two
// buckets: entries has a record for each ID; open has the IDs of the open entries, so
// that Pending need not scan the payments of years.
var (
	root    = []byte("resilience journal 1")
	entries = []byte("entries")
	open    = []byte("open")
)

// A record is an entry in the file. Its JSON names do not change with those of Entry.
// Older records lack First, Takes and Ended.
type record struct {
	Key         string        `json:"key,omitempty"`
	Fingerprint string        `json:"fingerprint,omitempty"`
	Owner       string        `json:"owner,omitempty"`
	Nonce       uint64        `json:"nonce,omitempty"`
	State       string        `json:"state"`
	Generation  int64         `json:"generation"`
	At          time.Time     `json:"at"`
	First       time.Time     `json:"first,omitzero"`
	Takes       time.Duration `json:"takes,omitempty"` // in nanoseconds
	TraceIDs    []string      `json:"trace_ids,omitempty"`
	Ended       time.Time     `json:"ended,omitzero"` // for Prune
}

// encode also stores the time at which an entry ended, if it ends now.
func encode(e retry.Entry) ([]byte, error) {
	if err := entry.Check(e); err != nil {
		return nil, err
	}
	var ended time.Time
	if e.State != retry.EntryOpen {
		ended = time.Now().UTC()
	}
	return json.Marshal(record{
		e.Key, e.Fingerprint, e.Owner, e.Nonce, e.State.String(), e.Generation, e.At.UTC(), e.First.UTC(), e.Takes, e.TraceIDs, ended,
	})
}

func decode(id string, value []byte) (retry.Entry, error) {
	e, _, err := decodeEnded(id, value)
	return e, err
}

// decodeEnded returns the zero time for an open entry, and for one that an earlier
// version ended.
func decodeEnded(id string, value []byte) (retry.Entry, time.Time, error) {
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		return retry.Entry{}, time.Time{}, fmt.Errorf("%w: the entry of %q: %w", ErrDamaged, id, err)
	}
	state, err := entry.ParseState(r.State)
	if err != nil {
		return retry.Entry{}, time.Time{}, fmt.Errorf("%w: the entry of %q: %w", ErrDamaged, id, err)
	}
	return retry.Entry{
		ID: id, Key: r.Key, Fingerprint: r.Fingerprint, Owner: r.Owner, Nonce: r.Nonce,
		State: state, Generation: r.Generation, At: r.At.UTC(), First: r.First.UTC(), Takes: r.Takes, TraceIDs: r.TraceIDs,
	}, r.Ended, nil
}

// get returns the zero Entry if there is none.
func get(tx *bolt.Tx, id string) (retry.Entry, error) {
	value := tx.Bucket(root).Bucket(entries).Get([]byte(id))
	if value == nil {
		return retry.Entry{}, nil
	}
	return decode(id, value)
}

func put(tx *bolt.Tx, id string, value []byte, state retry.EntryState) error {
	b := tx.Bucket(root)
	if err := b.Bucket(entries).Put([]byte(id), value); err != nil {
		return err
	}
	if state == retry.EntryOpen {
		return b.Bucket(open).Put([]byte(id), nil)
	}
	return b.Bucket(open).Delete([]byte(id))
}
