package sqljournal

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/journal/internal/failure"
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

// errHung is a statement that got no answer.
var errHung = fmt.Sprintf("no answer within %v", hung)

// A statement is executed on one connection, and again on another one: it must be one
// that may be. It is not database/sql that repeats it, which reports the last answer
// as if it were the only one.
type statement func(context.Context, *sql.Conn) error

// persist executes a statement of a call until the database has, or says that it never
// will. A success that comes when ctx has ended is none: with the cancellation the
// server stops waiting for its standbys too, and says that it committed.
func (j *Journal) persist(ctx context.Context, do statement) error {
	return j.repeat(ctx, hung, do)
}

// persistSlowly is persist for what may take as long as it likes.
func (j *Journal) persistSlowly(ctx context.Context, do statement) error {
	return j.repeat(ctx, 0, do)
}

func (j *Journal) repeat(ctx context.Context, within time.Duration, do statement) error {
	var cause error // the last one that says more than that time is over
	for n, began := 0, time.Now(); ; n++ {
		reached, err := j.once(ctx, within, do)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return over(ctx.Err(), err, cause)
		}
		if cause == nil || !timedOut(err) {
			cause = err
		}
		remedy := j.dialect.remedy(err)
		if remedy == another {
			j.checked.Store(false) // the next one may lead to another server
		}
		if remedy == none || n+1 == tries || time.Since(began) > patience || !sleep(ctx, remedy.wait(n, reached)) {
			return over(ctx.Err(), err, cause)
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

// once reports whether a connection was reached as well.
func (j *Journal) once(ctx context.Context, within time.Duration, do statement) (reached bool, err error) {
	conn, err := j.db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	if j.dialect != PostgreSQL {
		return true, do(ctx, conn)
	}
	bounded := ctx
	if within > 0 {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	err = do(bounded, conn)
	switch {
	case bounded.Err() != nil && ctx.Err() == nil:
		return true, failure.Wrap(errHung, errors.Join(err, bounded.Err()))
	case bounded.Err() != nil && err == nil:
		return true, bounded.Err()
	case sqlStateOf(err) == readOnly:
		j.checked.Store(false)
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	return true, err
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
