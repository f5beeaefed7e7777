package sqljournal

import (
	"context"
	"database/sql"
	"errors"

	"github.com/nexpay-go/resilience/retry"
)

// changes executes a statement and reports how much it changed, the last time that it
// was executed.
func (j *Journal) changes(ctx context.Context, text string, args ...any) (n int64, err error) {
	err = j.persist(ctx, func(ctx context.Context, conn *sql.Conn) error {
		result, err := conn.ExecContext(ctx, text, args...)
		if err != nil {
			return err
		}
		n, err = result.RowsAffected()
		return err
	})
	return n, err
}

func (j *Journal) change(ctx context.Context, text string, args ...any) (changed bool, err error) {
	n, err := j.changes(ctx, text, args...)
	return n > 0, err
}

// queryRow returns the zero Entry if there is no row.
func (j *Journal) queryRow(ctx context.Context, query string, arg string) (retry.Entry, error) {
	var r row
	found := false
	err := j.persist(ctx, func(ctx context.Context, conn *sql.Conn) error {
		err := conn.QueryRowContext(ctx, query, arg).Scan(r.pointers()...)
		found = err == nil
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil || !found {
		return retry.Entry{}, err
	}
	return r.entry()
}
