// Package oracle tries to make retry.DoOnce pay twice, or report a false outcome.
//
// Its tests have a model of bank, network, journal and processes, all in one process and in
// virtual time. The model breaks everything that can break, except what the rules M1 to M10
// assume to hold. A seed determines each schedule: what happens to each message, when a
// process dies or stops, what the journal loses, how far the clocks differ, which other calls
// the operation makes, and who else handles the same payment. After each schedule the rules
// are checked against what the bank really did.
//
//	go test ./internal/oracle                                # 5,000 schedules, and some mutants
//	go test ./internal/oracle -schedules 1000000 -timeout 0  # on all cores
//	go test ./internal/oracle -schedules 1 -seed 4711 -v     # that one, step by step
//	go test ./internal/oracle -run TestHostile -hostile 60000 -v
//	go test ./internal/oracle -run TestMutants -long -attempts 1000000 -timeout 0 -v
//
// The rules are checked from outside: nothing here uses the engine's state or its table. A
// violation is printed with the rows of the table that the engine reports. The mutants are
// edits of those rows and of the decisions beside them.
package oracle
