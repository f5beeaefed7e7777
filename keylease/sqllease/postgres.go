package sqllease

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"

	"github.com/nexpay-go/resilience/keylease"
)

// postgresRound makes a round in one statement. No two of its parts change the same row:
// what is renewed or returned belongs to this owner, and what is taken does not. All
// parts see the rows as they were before the statement, so the result is built from what
// each part returns.
//
// $1 owner, $2 keys, $3 TTL in microseconds, $4 leaving, $5 most, $6 renewed, $7
// returned.
const postgresRound = `
WITH now AS MATERIALIZED (
	SELECT at, at + interval '2 hours' AS latest FROM (SELECT clock_timestamp() AS at) clock -- no lease ends later, unless the clock was ahead
), asked AS MATERIALIZED (
	SELECT value AS key_name FROM json_array_elements_text($2::json)
), renews AS (
	SELECT * FROM json_to_recordset($6::json) AS x("Key" text, "Epoch" bigint, "High" bigint)
), returns AS (
	SELECT * FROM json_to_recordset($7::json) AS x("Key" text, "Epoch" bigint, "High" bigint)
), gone AS (
	DELETE FROM TABLE_owner WHERE owner IN (
		SELECT o.owner FROM TABLE_owner o, now WHERE (o.until <= now.at OR o.until > now.latest) AND o.owner <> $1::text OR $4::boolean AND o.owner = $1::text
		FOR UPDATE OF o SKIP LOCKED)
), lives AS (
	INSERT INTO TABLE_owner (owner, until) SELECT $1::text, now.at + $3::bigint * interval '1 microsecond' FROM now WHERE NOT $4::boolean
	ON CONFLICT (owner) DO UPDATE SET until = excluded.until
), alive AS (
	SELECT count(*) + CASE WHEN $4::boolean THEN 0 ELSE 1 END AS n FROM TABLE_owner o, now WHERE o.owner <> $1::text AND o.until > now.at AND o.until <= now.latest
), renewed AS (
	UPDATE TABLE k SET high = GREATEST(k.high, r."High"), until = now.at + $3::bigint * interval '1 microsecond'
	FROM renews r, now WHERE k.key_name = r."Key" AND k.owner = $1::text AND k.epoch = r."Epoch"
		AND NOT EXISTS (SELECT 1 FROM returns b WHERE b."Key" = r."Key" AND b."Epoch" = r."Epoch")
	RETURNING k.key_name, k.epoch, k.high
), returned AS (
	UPDATE TABLE k SET high = b."High", owner = '', until = now.at
	FROM returns b, now WHERE k.key_name = b."Key" AND k.owner = $1::text AND k.epoch = b."Epoch"
	RETURNING k.key_name, k.epoch
), kept AS (
	SELECT k.key_name, k.epoch, k.high FROM TABLE k JOIN asked USING (key_name)
	WHERE k.owner = $1::text AND NOT EXISTS (SELECT 1 FROM returned b WHERE b.key_name = k.key_name)
		AND (NOT EXISTS (SELECT 1 FROM renews r WHERE r."Key" = k.key_name AND r."Epoch" = k.epoch)
			OR EXISTS (SELECT 1 FROM renewed r WHERE r.key_name = k.key_name)) -- else another owner has just taken it
), room AS (
	SELECT GREATEST(0, LEAST((a.keys + alive.n - 1) / GREATEST(alive.n, 1), CASE WHEN $5::bigint > 0 THEN $5::bigint ELSE a.keys END) - kept.n) AS n
	FROM alive, (SELECT count(*) AS keys FROM asked) a, (SELECT count(*) AS n FROM kept) kept
), free AS (
	SELECT k.key_name FROM TABLE k JOIN asked USING (key_name), now
	WHERE NOT $4::boolean AND (k.owner = '' OR k.owner <> $1::text AND (k.until <= now.at OR k.until > now.latest))
		AND NOT EXISTS (SELECT 1 FROM returns b WHERE b."Key" = k.key_name) -- returned by an earlier run of this round
	ORDER BY k.until, k.key_name
	LIMIT (SELECT n FROM room)
	FOR UPDATE OF k SKIP LOCKED
), taken AS (
	UPDATE TABLE k SET owner = $1::text, epoch = k.epoch + 1, until = now.at + $3::bigint * interval '1 microsecond'
	FROM free, now WHERE k.key_name = free.key_name
	RETURNING k.key_name, k.epoch, k.high
)
SELECT kept.key_name, kept.epoch, COALESCE(renewed.high, kept.high), alive.n
	FROM alive LEFT JOIN kept ON true LEFT JOIN renewed ON renewed.key_name = kept.key_name
UNION ALL
SELECT taken.key_name, taken.epoch, taken.high, alive.n FROM taken, alive`

// postgresKeys inserts the records of keys that were never used, before the first round
// of a process: a statement does not see what its own parts insert.
const postgresKeys = `INSERT INTO TABLE (key_name) SELECT value FROM json_array_elements_text($1::json) ON CONFLICT DO NOTHING`

// changed reports whether these keys differ from those of the last round.
func (s *Store) changed(keys string) bool {
	known := s.keys.Load()
	return known == nil || *known != keys
}

func (s *Store) query(text string) string { return strings.ReplaceAll(text, "TABLE", s.table) }

func (s *Store) postgres(ctx context.Context, r *keylease.Round) (standing keylease.Standing, err error) {
	keys, renew, back, err := texts(r)
	if err != nil {
		return standing, err
	}
	if !r.Leaving && s.changed(keys) {
		if _, err := s.db.ExecContext(ctx, s.query(postgresKeys), keys); err != nil {
			return standing, err
		}
		s.keys.Store(&keys)
	}
	rows, err := s.db.QueryContext(ctx, s.query(postgresRound), r.Owner, keys, r.TTL.Microseconds(), r.Leaving, r.Most, renew, back)
	if err != nil {
		return standing, err
	}
	defer rows.Close()
	for rows.Next() {
		var key sql.NullString
		var epoch, high sql.NullInt64
		if err := rows.Scan(&key, &epoch, &high, &standing.Alive); err != nil {
			return standing, err
		}
		if key.Valid {
			standing.Records = append(standing.Records, keylease.Record{Key: key.String, Epoch: epoch.Int64, High: uint64(high.Int64)})
		}
	}
	return standing, rows.Err()
}

// texts returns the lists of a round as JSON.
func texts(r *keylease.Round) (keys, renew, back string, err error) {
	var all [3][]byte
	for i, list := range []any{r.Keys, notNil(r.Renew), notNil(r.Return)} {
		if all[i], err = json.Marshal(list); err != nil {
			return "", "", "", err
		}
	}
	return string(all[0]), string(all[1]), string(all[2]), nil
}

func notNil(records []keylease.Record) []keylease.Record {
	if records == nil {
		return []keylease.Record{}
	}
	return records
}
