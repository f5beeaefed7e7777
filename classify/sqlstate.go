package classify

import "sync"

// SQLState returns the catalog of the SQLSTATE codes for which it is known whether a
// retry can help. It is for errors with a method SQLState() string, such as those of pgx
// and lib/pq. It has rules for classes, such as "08*", and for the codes that differ from
// their class. Only this catalog, and those derived from it with [Catalog.With], call
// that method. A class without a rule, such as XX (internal error), is Unclassified.
//
// NotApplied means that the server rolled back, or never began, the transaction or the
// single statement that failed. It says nothing about other statements.
func SQLState() *Catalog { return sqlState() }

var sqlState = sync.OnceValue(func() *Catalog {
	const standard, postgres = "ISO/IEC 9075, classes of SQLSTATE", "PostgreSQL documentation, appendix A"
	rule := func(codes, name string, class Class, effect Effect, source, fix string) Rule {
		return Rule{Codes: codes, Name: name, Class: class, Effect: effect, Source: source, Fix: fix}
	}
	c := must(NewCatalog("SQLSTATE",
		rule("08*", "Connection exception", Retryable, Unknown, standard, "Wait and send again; if a COMMIT was sent, look up whether it took effect."),
		rule("08001", "Connection could not be made", Retryable, NotApplied, standard, "Wait and send again."),
		rule("08003", "Connection does not exist", Retryable, Unknown, standard, "Use another connection; if a COMMIT was sent, look up whether it took effect."),
		rule("08004", "Connection rejected by the server", Retryable, NotApplied, standard, "Wait and send again; if it persists, check who may connect."),
		rule("08P01", "Protocol violation", Fatal, Unknown, postgres, "Check the driver's version, and any proxy between it and the server."),
		rule("0A*", "Feature not supported", Fatal, NotApplied, standard, "Change the statement."),
		rule("21*", "Cardinality violation", Fatal, NotApplied, standard, "Change the statement."),
		rule("22*", "Data exception", Fatal, NotApplied, standard, "Correct the value that the message names."),
		rule("23*", "Integrity constraint violation", Fatal, NotApplied, standard, "Correct the data; a duplicate key may mean that an earlier attempt succeeded."),
		rule("25006", "Read-only transaction", Retryable, NotApplied, postgres, "The server is a standby, or became one: connect to the primary."),
		rule("25P02", "Transaction is aborted already", Fatal, NotApplied, postgres, "Roll back; an earlier statement of the transaction failed."),
		rule("28*", "Invalid authorization", Fatal, NotApplied, standard, "Check user and password."),
		rule("2D*", "Invalid transaction termination", Fatal, NotApplied, standard, "Change the program."),
		rule("3D*", "Unknown catalog", Fatal, NotApplied, standard, "Check the name of the database."),
		rule("3F*", "Unknown schema", Fatal, NotApplied, standard, "Check the name of the schema."),
		rule("40*", "Transaction rolled back", Retryable, NotApplied, standard, "Run the whole transaction again."),
		rule("40001", "Serialization failure", Retryable, NotApplied, standard, "Run the whole transaction again."),
		rule("40002", "Rolled back: integrity constraint", Fatal, NotApplied, standard, "Correct the data."),
		rule("40003", "Statement completion unknown", Retryable, Unknown, standard, "Look up whether the transaction was committed."),
		rule("40P01", "Deadlock", Retryable, NotApplied, postgres, "Run the whole transaction again."),
		rule("42*", "Syntax error or access rule violation", Fatal, NotApplied, standard, "Change the statement, or the permissions of the user."),
		rule("53*", "Insufficient resources", Retryable, NotApplied, postgres, "Wait and send again."),
		rule("53100", "Disk full", Fatal, NotApplied, postgres, "Make room on the server's disk."),
		rule("54*", "Program limit exceeded", Fatal, NotApplied, postgres, "Change the statement."),
		rule("55006", "Object in use", Retryable, NotApplied, postgres, "Wait and send again."),
		rule("55P03", "Lock not available", Retryable, NotApplied, postgres, "Wait and send again."),
		rule("57014", "Query canceled", Fatal, NotApplied, postgres, "A person or a timeout stopped the query: allow more time, or make it cheaper."),
		rule("57P01", "Server is shutting down", Retryable, Unknown, postgres, "Wait and reconnect; if a COMMIT was sent, look up whether it took effect."),
		rule("57P02", "Server has crashed", Retryable, Unknown, postgres, "Wait and reconnect; if a COMMIT was sent, look up whether it took effect."),
		rule("57P03", "Server cannot be connected to now", Retryable, NotApplied, postgres, "Wait and reconnect."),
		rule("57P05", "Session was idle too long", Retryable, NotApplied, postgres, "Reconnect."),
		rule("58*", "System error", Retryable, Unknown, postgres, "Wait and send again; if it persists, check the server."),
	))
	c.sqlState = true
	return c
})
