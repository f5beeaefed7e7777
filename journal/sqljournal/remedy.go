package sqljournal

import (
	"errors"
	"time"
)

// A remedy is the reaction to an error.
type remedy uint8

const (
	none    remedy = iota // return the error
	atOnce                // repeat: a conflicting statement has finished
	later                 // repeat after a wait
	another               // repeat on another connection
)

// wait returns how long to wait after n+1 failures. A cut connection says nothing
// about the next one.
func (r remedy) wait(n int, reached bool) time.Duration {
	if r == atOnce || r == another && reached && n < dead {
		return 0
	}
	return min(50*time.Millisecond<<min(n, 4), 500*time.Millisecond)
}

// readOnly is the SQLSTATE of a primary that has become a standby. The connection is
// closed. Others in the pool probably lead there too, so there is a wait.
const readOnly = "25006"

// remedies are for errors after which the statement had no effect, or may have had it,
// which the statements here detect:
// https://www.postgresql.org/docs/current/errcodes-appendix.html.
var remedies = map[string]remedy{
	"40001": atOnce, // serialization_failure: unavoidable with isolation levels above "read committed"
	"40P01": atOnce, // deadlock_detected
	"23505": atOnce, // unique_violation: no statement here meets one, except in PostgreSQL's own tables
	"42P07": atOnce, // duplicate_table: two processes create it
	"42710": atOnce, // duplicate_object: the row type of the table

	"53300": later, // too_many_connections
	"55P03": later, // lock_not_available: lock_timeout
	"57014": later, // query_canceled: statement_timeout, or a person

	readOnly: later,

	"57P01": another, // admin_shutdown
	"57P02": another, // crash_shutdown
	"57P03": another, // cannot_connect_now: the server starts or recovers
	"57P05": another, // idle_session_timeout
}

// remedy returns the remedy for an error of the database. SQLite itself waits, see
// busy_timeout.
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

// sqlStateOf returns the SQLSTATE of an error. An error without one did not come from
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

// isClosed reports whether err means that the sql.DB is closed: database/sql exports
// no such error.
func isClosed(err error) bool { return err.Error() == "sql: database is closed" }
