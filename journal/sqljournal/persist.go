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
	// it: what package retry gives a Begin with all its repetitions.
	patience = 5 * time.Second

	// hung is how long a statement may take before its connection is given up, and
	// another one tried. One that a network has swallowed answers nothing, ever.
	hung = 2 * time.Second

	// tries is far above what callers at the same row need to come one after another:
	// each time it is another one that gets through.
	tries = 100

	// dead is how many connections of a pool may turn out to be cut, one after
	// another, before there is a wait between them.
	dead = 10
)

// A statement is executed on one connection, and again on another one: it must be one
// that may be. It is not database/sql that repeats it, which reports the last answer
// as if it were the only one.
type statement[T any] func(context.Context, *sql.Conn) (T, error)

// persist executes a statement of a call until the database has, or says that it never
// will. A success that comes when ctx has ended is none: with the cancellation the
// server stops waiting for its standbys too, and says that it committed.
func persist[T any](ctx context.Context, j *Journal, do statement[T]) (T, error) {
	return repeat(ctx, j, hung, do)
}

// persistSlowly is persist for what may take as long as it likes.
func persistSlowly[T any](ctx context.Context, j *Journal, do statement[T]) (T, error) {
	return repeat(ctx, j, 0, do)
}

func repeat[T any](ctx context.Context, j *Journal, within time.Duration, do statement[T]) (value T, err error) {
	var cause error // the last one that says more than that time is over
	for n, began := 0, time.Now(); ; n++ {
		a := once(ctx, j, within, do)
		if a.panicked != nil {
			panic(a.panicked) // as if it had been called here
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
			j.checked.Store(false) // the next one may lead to another server
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

// over is what a call ends with whose context may have ended.
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
