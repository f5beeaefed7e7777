package sqljournal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	// patience is how long a statement is repeated while the database cannot execute
	// it: the time that package retry gives a Begin with all its repetitions.
	patience = 5 * time.Second

	// hung is how long a statement may take before it is repeated on another
	// connection. A network that drops all packets never returns an answer.
	hung = 2 * time.Second

	// tries is far more than concurrent callers of one row need: each time one of them
	// succeeds.
	tries = 100

	// dead is how many cut connections of a pool are tried, one after another, before
	// there is a wait between them.
	dead = 10
)

// A statement is executed on one connection, and may be executed again on another
// one. It must be safe to repeat. database/sql must not repeat it, because that would
// return only the last result.
type statement[T any] func(context.Context, *sql.Conn) (T, error)

// persist executes a statement until the database has executed it or reports that it
// never will. A success after ctx has ended does not count: a cancellation also ends
// the server's wait for its standbys, and the server then reports a commit.
func persist[T any](ctx context.Context, j *Journal, do statement[T]) (T, error) {
	return repeat(ctx, j, hung, do)
}

// persistSlowly is persist without a time limit.
func persistSlowly[T any](ctx context.Context, j *Journal, do statement[T]) (T, error) {
	return repeat(ctx, j, 0, do)
}

func repeat[T any](ctx context.Context, j *Journal, within time.Duration, do statement[T]) (value T, err error) {
	var cause error // the last error that is not a timeout
	for n, began := 0, time.Now(); ; n++ {
		a := once(ctx, j, within, do)
		if a.panicked != nil {
			panic(a.panicked) // in the goroutine of the caller
		}
		switch err = a.err; {
		case err == nil:
			return a.value, nil
		case ctx.Err() != nil:
			return value, over(ctx.Err(), err, cause)
		}
		if cause == nil || !timedOut(err) {
			cause = err
		}
		remedy := j.dialect.remedy(err)
		if remedy == another {
			j.checked.Store(false) // the next connection may lead to another server
		}
		if remedy == none || n+1 == tries || time.Since(began) > patience || !sleep(ctx, remedy.wait(n, a.reached)) {
			return value, over(ctx.Err(), err, cause)
		}
	}
}

func timedOut(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

// over returns the error of a call whose context may have ended.
func over(ended, err, cause error) error {
	if ended == nil || cause == nil && errors.Is(err, ended) {
		return err
	}
	if cause == nil {
		cause = err
	}
	return fmt.Errorf("%w: %w", ended, cause)
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
