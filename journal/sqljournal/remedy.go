package sqljournal

import (
	"errors"
	"time"
)

// A remedy is what helps against an error.
type remedy uint8

const (
	none    remedy = iota // nothing that a journal can do
	atOnce                // the same once more: another statement was in its way, and is through
	later                 // the same a moment later
	another               // the same on another connection
)

// wait is how long to wait after n+1 failures. A connection that was there and was cut
// says nothing of the next one.
func (r remedy) wait(n int, reached bool) time.Duration {
	if r == atOnce || r == another && reached && n < dead {
		return 0
	}
	return min(50*time.Millisecond<<min(n, 4), 500*time.Millisecond)
}

// readOnly is what a primary says that has become a standby. That connection is given
// up, and those that a pool has besides are likely to be the same: so it waits.
const readOnly = "25006"

// remedies are against what had no effect, or may have had it, which the statements
// here find out: https://www.postgresql.org/docs/current/errcodes-appendix.html.
var remedies = map[string]remedy{
	"40001": atOnce, // serialization_failure: isolation levels above "read committed" cannot do without
	"40P01": atOnce, // deadlock_detected
	"23505": atOnce, // unique_violation: no statement here meets one, except in PostgreSQL's own tables
	"42P07": atOnce, // duplicate_table: two make the same one
	"42710": atOnce, // duplicate_object: the type that each table has

	"53300": later, // too_many_connections
	"55P03": later, // lock_not_available: lock_timeout
	"57014": later, // query_canceled: statement_timeout, or a person

	readOnly: later,

	"57P01": another, // admin_shutdown
	"57P02": another, // crash_shutdown
	"57P03": another, // cannot_connect_now: it starts, or recovers
	"57P05": another, // idle_session_timeout
}

// remedy looks at what the database said. SQLite waits by itself, see busy_timeout.
func (d Dialect) remedy(err error) remedy {
	if d != PostgreSQL {
		return none
	}
	switch state := sqlStateOf(err); {
	case state == "" && isClosed(err):
		return none
	case state == "" || state[:2] == "08": // connection_exception
		return another
	default:
		return remedies[state]
	}
}

// sqlStateOf returns what PostgreSQL calls an error. Without one it never came from
// the server: the connection failed.
func sqlStateOf(err error) string {
	state, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	if !ok || !fiveCharacters.MatchString(state.SQLState()) {
		return ""
	}
	return state.SQLState()
}

// isClosed reports whether db was: database/sql exports no such error.
func isClosed(err error) bool { return err.Error() == "sql: database is closed" }
