// Package oracle tries to make retry.DoOnce pay twice, or lie about a payment.
//
// Its tests hold a model of bank, network, journal and processes, all in one
// process and in virtual time, which breaks everything that may break and
// nothing that the rules M1 to M9 assume to hold. Each schedule is drawn from a
// seed: what a message meets on its way, when a process dies, what the journal
// loses, who else is at the same payment. After each one the rules are checked
// against what the bank really did.
//
//	go test ./internal/oracle                                # 20,000 schedules
//	go test ./internal/oracle -schedules 1000000 -timeout 0  # on all cores
//	go test ./internal/oracle -schedules 1 -seed 4711 -v     # that one, told step by step
//	go test ./internal/oracle -run TestMutants -mutants      # it finds what is broken on purpose
//
// The rules are judged from outside: nothing here looks into the engine.
package oracle
