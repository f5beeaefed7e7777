package sqljournal

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"

	"github.com/nexpay-go/resilience/journal/internal/failure"
)

func (j *Journal) described(call string, err error) error {
	if err == nil {
		return nil
	}
	return &failure.Error{Call: "sqljournal: " + call, Err: err, Name: j.dialect.name}
}

// name describes an error of the database by its number. The error's own text may
// contain values of a row, or the statement.
func (d Dialect) name(err error) (string, bool) {
	if state, ok := err.(interface{ SQLState() string }); ok {
		return sqlState(state.SQLState()), true
	}
	if code, ok := resultCode(err); ok && d == SQLite {
		return sqliteCode(code), true
	}
	if isClosed(err) {
		return err.Error(), true
	}
	return "", false
}

// resultCode returns the number of an error. Drivers for SQLite have it as a method
// that returns an int (modernc.org/sqlite) or another integer type
// (github.com/ncruces/go-sqlite3), or as a field (github.com/mattn/go-sqlite3).
func resultCode(err error) (int, bool) {
	v := reflect.ValueOf(err)
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return 0, false
	}
	code := reflect.Value{}
	if m := v.MethodByName("Code"); m.IsValid() && m.Type().NumIn() == 0 && m.Type().NumOut() == 1 {
		code = m.Call(nil)[0]
	} else if v = reflect.Indirect(v); v.Kind() == reflect.Struct {
		code = v.FieldByName("Code")
	}
	switch {
	case code.IsValid() && code.CanInt():
		return int(code.Int()), true
	case code.IsValid() && code.CanUint():
		return int(code.Uint()), true
	}
	return 0, false
}

var fiveCharacters = regexp.MustCompile(`\A[0-9A-Z]{5}\z`)

func sqlState(state string) string {
	if !fiveCharacters.MatchString(state) {
		return "an unknown SQLSTATE"
	}
	meaning := cmp.Or(states[state], classes[state[:2]])
	if meaning == "" {
		return "SQLSTATE " + state
	}
	return "SQLSTATE " + state + " (" + meaning + ")"
}

// PostgreSQL's names of the errors that a journal may meet, and of the classes of all
// others: https://www.postgresql.org/docs/current/errcodes-appendix.html.
var (
	states = map[string]string{
		"25006": "read-only transaction: is this a standby?",
		"28P01": "invalid password",
		"3D000": "no such database",
		"40001": "serialization failure",
		"40P01": "deadlock detected",
		"42501": "insufficient privilege",
		"42703": "undefined column: has Migrate or Upgrade been run?",
		"42P01": "undefined table: has Migrate or Schema been run?",
		"53100": "disk full",
		"53200": "out of memory",
		"53300": "too many connections",
		"55P03": "lock not available",
		"57014": "query canceled: by statement_timeout, or a person",
		"57P01": "admin shutdown",
		"57P02": "crash shutdown",
		"57P03": "cannot connect now",
		"58030": "I/O error",
	}
	classes = map[string]string{
		"08": "connection exception",
		"22": "data exception",
		"23": "integrity constraint violation",
		"25": "invalid transaction state",
		"28": "invalid authorization",
		"40": "transaction rollback",
		"42": "syntax error or access rule violation",
		"53": "insufficient resources",
		"54": "program limit exceeded",
		"55": "object not in prerequisite state",
		"57": "operator intervention",
		"58": "system error",
		"XX": "internal error",
	}
)

// sqliteCode describes a result code: https://sqlite.org/rescode.html. Extended codes
// have the primary code in their lowest byte.
func sqliteCode(code int) string {
	if meaning := codes[code&0xff]; meaning != "" {
		return meaning
	}
	return fmt.Sprintf("SQLite result code %d", code)
}

var codes = map[int]string{
	1:  "an error in the statement, or no such table: has Migrate been run? (SQLITE_ERROR)",
	5:  "the database is locked (SQLITE_BUSY)",
	6:  "a table is locked (SQLITE_LOCKED)",
	7:  "out of memory (SQLITE_NOMEM)",
	8:  "the database is read-only (SQLITE_READONLY)",
	9:  "interrupted (SQLITE_INTERRUPT)",
	10: "disk I/O error (SQLITE_IOERR)",
	11: "the database is damaged (SQLITE_CORRUPT)",
	13: "the disk or the database is full (SQLITE_FULL)",
	14: "cannot open the database file (SQLITE_CANTOPEN)",
	19: "constraint violated (SQLITE_CONSTRAINT)",
	26: "the file is not a database (SQLITE_NOTADB)",
}
