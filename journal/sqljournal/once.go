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

// An answer is the result of one execution of a statement.
type answer[T any] struct {
	value    T
	err      error
	reached  bool // there was a connection
	panicked any  // the value of a driver's panic
}

// grace is the time that a driver has to return after its context has ended.
const grace = 250 * time.Millisecond

// once executes a statement. A driver that does not end a call with its context is
// abandoned: lib/pq only asks the server to end it, which fails on a broken network.
func once[T any](ctx context.Context, j *Journal, within time.Duration, do statement[T]) answer[T] {
	if j.dialect != PostgreSQL {
		return alone(ctx, j, do)
	}
	answers, bounds := make(chan answer[T], 1), make(chan context.Context, 1)
	go func() {
		conn, err := j.db.Conn(ctx)
		if err != nil {
			answers <- answer[T]{err: err}
			return
		}
		bounded, cancel := bound(ctx, within)
		defer cancel()
		bounds <- bounded
		answers <- execute(bounded, ctx, j, conn, do)
	}()
	for bounded := ctx; ; {
		select {
		case a := <-answers:
			return a
		case bounded = <-bounds:
		case <-bounded.Done():
			return leave(ctx, answers)
		}
	}
}

func bound(ctx context.Context, within time.Duration) (context.Context, context.CancelFunc) {
	if within == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, within)
}

// leave abandons a statement whose time is over.
func leave[T any](ctx context.Context, answers <-chan answer[T]) answer[T] {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case a := <-answers:
		return a
	case <-timer.C:
	}
	if err := ctx.Err(); err != nil {
		return answer[T]{err: err, reached: true}
	}
	return answer[T]{err: silent(context.DeadlineExceeded), reached: true}
}

// silent returns the error of a statement that got no answer.
func silent(err error) error { return failure.Wrap(fmt.Sprintf("no answer within %v", hung), err) }

// alone executes a statement in SQLite, which runs in this process.
func alone[T any](ctx context.Context, j *Journal, do statement[T]) (a answer[T]) {
	conn, err := j.db.Conn(ctx)
	if err != nil {
		return answer[T]{err: err}
	}
	a.reached = true
	a.value, a.err = do(ctx, conn)
	_ = conn.Close() // after a panic it would block for ever
	return a
}

// execute returns the connection to the pool before it answers. The connection of a
// driver that panicked is lost.
func execute[T any](bounded, ctx context.Context, j *Journal, conn *sql.Conn, do statement[T]) (a answer[T]) {
	defer func() {
		if value := recover(); value != nil {
			a = answer[T]{panicked: value}
			return
		}
		_ = conn.Close()
	}()
	a.reached = true
	a.value, a.err = do(bounded, conn)
	switch {
	case bounded.Err() != nil && ctx.Err() == nil:
		a.err = silent(errors.Join(a.err, bounded.Err()))
	case bounded.Err() != nil && a.err == nil:
		a.err = bounded.Err()
	case sqlStateOf(a.err) == readOnly:
		j.checked.Store(false)
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	return a
}
