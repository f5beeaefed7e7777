package sqllease

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/nexpay-go/resilience/keylease"
)

// sqliteNow is the time in seconds since 1970, with its fraction.
const sqliteNow = `(julianday('now') - 2440587.5) * 86400.0`

// sqliteExpired is what holds of a lease or an owner that has expired. None ends more
// than two hours from now, unless the clock was ahead.
const sqliteExpired = `(until <= ` + sqliteNow + ` OR until > ` + sqliteNow + ` + 7200)`

// sqlite makes a round in a transaction that locks the database from its first statement
// on.
func (s *Store) sqlite(ctx context.Context, r *keylease.Round) (keylease.Standing, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return keylease.Standing{}, err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return keylease.Standing{}, err
	}
	standing, err := (&sqliteRound{ctx, s.table, conn, r, nil}).run()
	if err != nil {
		_, undone := conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
		return keylease.Standing{}, errors.Join(err, undone)
	}
	_, err = conn.ExecContext(ctx, `COMMIT`)
	return standing, err
}

// A sqliteRound is a round under way.
type sqliteRound struct {
	ctx   context.Context
	table string
	conn  *sql.Conn
	*keylease.Round
	err error
}

func (r *sqliteRound) exec(query string, args ...any) {
	if r.err == nil {
		_, r.err = r.conn.ExecContext(r.ctx, query, args...)
	}
}

func (r *sqliteRound) run() (s keylease.Standing, err error) {
	ttl := r.TTL.Seconds()
	keys, err := json.Marshal(r.Keys)
	if err != nil {
		return s, err
	}
	names := []string{}
	for _, h := range r.Return {
		names = append(names, h.Key)
	}
	returned, err := json.Marshal(names)
	if err != nil {
		return s, err
	}
	r.exec(`DELETE FROM `+r.table+`_owner WHERE `+sqliteExpired+` OR owner = ?`, r.Owner)
	if !r.Leaving {
		r.exec(`INSERT INTO `+r.table+`_owner VALUES (?, `+sqliteNow+` + ?)`, r.Owner, ttl)
	}
	for _, h := range r.Renew {
		r.exec(`UPDATE `+r.table+` SET high = MAX(high, ?), until = `+sqliteNow+` + ? WHERE key_name = ? AND owner = ? AND epoch = ?`, int64(h.High), ttl, h.Key, r.Owner, h.Epoch)
	}
	for _, h := range r.Return {
		r.exec(`UPDATE `+r.table+` SET high = ?, owner = '', until = `+sqliteNow+` WHERE key_name = ? AND owner = ? AND epoch = ?`, int64(h.High), h.Key, r.Owner, h.Epoch)
	}
	if r.err == nil {
		r.err = r.conn.QueryRowContext(r.ctx, `SELECT COUNT(*) FROM `+r.table+`_owner`).Scan(&s.Alive)
	}
	if !r.Leaving {
		r.exec(`INSERT INTO `+r.table+` (key_name) SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`, string(keys))
		r.exec(`UPDATE `+r.table+` SET owner = ?1, epoch = epoch + 1, until = `+sqliteNow+` + ?2 WHERE key_name IN (
	SELECT key_name FROM `+r.table+` WHERE key_name IN (SELECT value FROM json_each(?3)) AND (owner = '' OR owner <> ?1 AND `+sqliteExpired+`)
		AND key_name NOT IN (SELECT value FROM json_each(?5))
	ORDER BY until, key_name
	LIMIT MAX(0, ?4 - (SELECT COUNT(*) FROM `+r.table+` WHERE owner = ?1 AND key_name IN (SELECT value FROM json_each(?3)))))`,
			r.Owner, ttl, string(keys), r.Share(s.Alive), string(returned))
	}
	if r.err != nil {
		return s, r.err
	}
	rows, err := r.conn.QueryContext(r.ctx, `SELECT key_name, epoch, high FROM `+r.table+` WHERE owner = ? AND key_name IN (SELECT value FROM json_each(?)) ORDER BY key_name`, r.Owner, string(keys))
	if err != nil {
		return s, err
	}
	s.Records, err = records(rows)
	return s, err
}

// records reads key, epoch and high of each row.
func records(rows *sql.Rows) (all []keylease.Record, err error) {
	defer rows.Close()
	for rows.Next() {
		var h keylease.Record
		var high int64
		if err := rows.Scan(&h.Key, &h.Epoch, &high); err != nil {
			return nil, err
		}
		h.High = uint64(high)
		all = append(all, h)
	}
	return all, rows.Err()
}
