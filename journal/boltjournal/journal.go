package boltjournal

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/nexpay-go/resilience/journal/internal/entry"
	"github.com/nexpay-go/resilience/journal/internal/failure"
	"github.com/nexpay-go/resilience/retry"
)

// A Journal is a [retry.PendingJournal] in a file. What Begin and End have
// returned without error is on the disk. It is safe for concurrent use, and
// callers at the same time share their flushes of the disk.
//
// An ID may have up to 1024 bytes; it, the key's name, fingerprint and owner are
// text in UTF-8 without NUL. Anything else is an error, and nothing is stored. In
// trace ids, which are for people, bytes that are no UTF-8 are replaced.
//
// If the file turns out to be damaged, calls return an error that wraps
// [ErrDamaged], and after a Begin or End did so all others do.
type Journal struct {
	commits committer
}

// Close waits for what is being stored, however long, and closes the file. Calls after that
// return an error that wraps [fs.ErrClosed].
func (j *Journal) Close() error { return described("close", j.commits.close()) }

// Begin does what [retry.Journal] says. A context that ends while the entry is
// being stored ends the call, not the storing: a disk that stalls keeps no caller.
// If the file is not at its path any more, that is an [ErrMoved].
func (j *Journal) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	held, err := j.begin(ctx, e)
	return held, described("begin", err)
}

func (j *Journal) begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if e.Generation == retry.ReadGeneration {
		return j.read(ctx, e.ID)
	}
	generation := e.Generation
	e.Generation++
	value, err := encode(e)
	if err != nil {
		return retry.Entry{}, err
	}
	held := new(retry.Entry) // of its own: it may be written after a context made us return
	err = j.commits.do(ctx, func(tx *bolt.Tx) (changed bool, err error) {
		*held, err = get(tx, e.ID)
		if err != nil || held.Generation != generation || held.State == retry.EntryApplied {
			return false, err
		}
		if *held, err = decode(e.ID, value); err != nil {
			return false, err
		}
		return true, put(tx, e.ID, value, e.State)
	})
	if err != nil {
		return retry.Entry{}, err
	}
	return *held, nil
}

func (j *Journal) read(ctx context.Context, id string) (held retry.Entry, err error) {
	if err := errors.Join(entry.CheckID(id), ctx.Err()); err != nil {
		return retry.Entry{}, err
	}
	err = j.commits.view(func(tx *bolt.Tx) error {
		held, err = get(tx, id)
		return err
	})
	return held, err
}

// End does what [retry.Journal] says. A context that ends while the entry is being
// stored ends the call, not the storing. If the file is not at its path any more,
// that is an [ErrMoved].
func (j *Journal) End(ctx context.Context, e retry.Entry) error {
	e.TraceIDs = slices.Clone(e.TraceIDs) // it may be read after a context made us return
	return described("end", j.commits.do(ctx, func(tx *bolt.Tx) (changed bool, err error) {
		held, err := get(tx, e.ID)
		switch {
		case err != nil:
			return false, err
		case held.Generation != e.Generation || held.State != retry.EntryOpen && held.State != e.State:
			return false, entry.Busy(e, held)
		case held.State != retry.EntryOpen:
			return false, nil
		}
		held.State, held.TraceIDs = e.State, e.TraceIDs
		value, err := encode(held)
		if err != nil {
			return false, err
		}
		return true, put(tx, e.ID, value, held.State)
	}))
}

// described says in which call an error came up.
func described(call string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		err = fs.ErrClosed
	}
	return &failure.Error{Call: "boltjournal: " + call, Err: err}
}
