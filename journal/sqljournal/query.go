package sqljournal

import (
	"context"
	"database/sql"
	"errors"

	"github.com/nexpay-go/resilience/retry"
)

// changes executes a statement and returns the number of changed rows of its last
// execution.
func (j *Journal) changes(ctx context.Context, text string, args ...any) (n int64, err error) {
	return persist(ctx, j, func(ctx context.Context, conn *sql.Conn) (int64, error) {
		result, err := conn.ExecContext(ctx, text, args...)
		if err != nil {
			return 0, err
		}
		return result.RowsAffected()
	})
}

func (j *Journal) change(ctx context.Context, text string, args ...any) (changed bool, err error) {
	n, err := j.changes(ctx, text, args...)
	return n > 0, err
}

// queryRow returns the zero Entry if there is no row.
func (j *Journal) queryRow(ctx context.Context, query string, arg string) (retry.Entry, error) {
	r, err := persist(ctx, j, func(ctx context.Context, conn *sql.Conn) (*row, error) {
		r := new(row)
		err := conn.QueryRowContext(ctx, query, arg).Scan(r.pointers()...)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, nil
		}
		return r, err
	})
	if err != nil || r == nil {
		return retry.Entry{}, err
	}
	return r.entry()
}
