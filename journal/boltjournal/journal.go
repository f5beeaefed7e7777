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

// A Journal is a [retry.PendingJournal] in a file. When Begin or End returns without
// error, the entry is on the disk. It is safe for concurrent use; concurrent callers
// share flushes of the disk.
//
// An ID has at most 1024 bytes. ID, key name, fingerprint and owner must be UTF-8
// text without NUL; otherwise the call returns an error and nothing is stored. In
// trace ids, which are for people, invalid UTF-8 is replaced.
//
// If the file is found to be damaged, calls return an error that wraps [ErrDamaged].
// After a Begin or End has returned it, all other calls do.
type Journal struct {
	commits committer
}

// Close waits for writes in progress, without a limit, and closes the file. Later
// calls return an error that wraps [fs.ErrClosed].
func (j *Journal) Close() error { return described("close", j.commits.close()) }

// Begin implements [retry.Journal]. If the context ends while the entry is being
// stored, Begin returns but the write continues, so a stalled disk does not block the
// caller. If the file is no longer at its path, the error is [ErrMoved].
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
	held := new(retry.Entry) // allocated: it may be written after ctx has ended and begin has returned
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

// End implements [retry.Journal]. If the context ends while the entry is being
// stored, End returns but the write continues. If the file is no longer at its path,
// the error is [ErrMoved].
func (j *Journal) End(ctx context.Context, e retry.Entry) error {
	e.TraceIDs = slices.Clone(e.TraceIDs) // it may be read after ctx has ended and End has returned
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

// described adds the name of the call to an error.
func described(call string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		err = fs.ErrClosed
	}
	return &failure.Error{Call: "boltjournal: " + call, Err: err}
}
