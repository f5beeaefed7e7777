package sqljournal

import (
	"errors"
	"slices"
)

// tries is far above what callers at the same row need to come one after another:
// each time it is another one that gets through.
const tries = 100

// undone are the errors by which PostgreSQL says that a statement had no effect,
// because another one at the same time was in its way, and should be repeated: the
// isolation levels above "read committed" cannot do without; nor can two that make
// the same table at once.
var undone = []string{
	"40001", // serialization_failure
	"40P01", // deadlock_detected
	"23505", // unique_violation: no statement here meets one, except in PostgreSQL's own tables
	"42P07", // duplicate_table
	"42710", // duplicate_object: the type that each table has
}

// again repeats a statement that had no effect.
func again(statement func() error) (err error) {
	for range tries {
		err = statement()
		state, ok := errors.AsType[interface {
			error
			SQLState() string
		}](err)
		if !ok || !slices.Contains(undone, state.SQLState()) {
			break
		}
	}
	return err
}
