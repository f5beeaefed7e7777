package sqljournal

// The statements, with journal as the name of the table. Each that changes something is
// a compare-and-swap: it is atomic at any isolation level, and has the same effect if it
// is executed twice.
const (
	insert = `INSERT INTO journal (key_name, fingerprint, owner, nonce, state, generation, begun_at, first_at, takes_ns, trace_ids, id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING`

	update = `UPDATE journal
SET key_name = $1, fingerprint = $2, owner = $3, nonce = $4, state = $5, generation = $6, begun_at = $7, first_at = $8, takes_ns = $9, trace_ids = $10
WHERE id = $11 AND generation = $12 AND state <> 'applied'`

	// confirm changes nothing, and commits it: see Journal.confirmed.
	confirm = `UPDATE journal SET owner = owner WHERE id = $1 AND generation = $2 AND owner = $3 AND state = 'open'`

	end = `UPDATE journal SET state = $1, trace_ids = $2, ended_at = $3 WHERE id = $4 AND generation = $5 AND state = 'open'`

	// endUndated is for a table of an earlier version.
	endUndated = `UPDATE journal SET state = $1, trace_ids = $2 WHERE id = $3 AND generation = $4 AND state = 'open'`

	columns = `SELECT key_name, fingerprint, owner, nonce, state, generation, begun_at, first_at, takes_ns, trace_ids, id FROM journal `

	get = columns + `WHERE id = $1`

	nextOpen = columns + `WHERE state = 'open' AND id > $1 ORDER BY id LIMIT 1`

	// page returns the last ID of a batch of Prune.
	page = `SELECT count(*), coalesce(max(id), '') FROM (SELECT id FROM journal WHERE id > $1 ORDER BY id LIMIT 1000) AS page`

	// prune checks both times, because an earlier version does not set ended_at.
	prune = `DELETE FROM journal WHERE id > $1 AND id <= $2 AND state <> 'open' AND begun_at < $3 AND ended_at < $3`
)
