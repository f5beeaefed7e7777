// Package oracle tries to make retry.DoOnce pay twice, or lie about a payment.
//
// Its tests hold a model of bank, network, journal and processes, all in one
// process and in virtual time, which breaks everything that may break and
// nothing that the rules M1 to M10 assume to hold. Each schedule is drawn from a
// seed: what a message meets on its way, when a process dies or stands still, what
// the journal loses, how far the clocks are apart, what else the operation does
// inside, who else is at the same payment. After each one the rules are checked
// against what the bank really did.
//
//	go test ./internal/oracle                                # 5,000 schedules, and the mutants
//	go test ./internal/oracle -schedules 1000000 -timeout 0  # on all cores
//	go test ./internal/oracle -schedules 1 -seed 4711 -v     # that one, told step by step
//	go test ./internal/oracle -run TestHostile -hostile 60000 -v
//	go test ./internal/oracle -run TestMutants -attempts 1000000 -timeout 0 -v
//
// The rules are judged from outside: nothing here looks into the engine, or asks
// its table what is right. A violation is printed with the rows of the table that
// the engine says it went through, and the mutants are edits of those rows and of
// the decisions beside them.
package oracle
