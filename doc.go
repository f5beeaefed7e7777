// Package resilience is the landing page of a library for calling payments
// APIs: it knows what each error code asks for, and does it. The package itself
// exports nothing; the work is done by
//
//   - [github.com/nexpay-go/resilience/retry]: Do and DoValue run a call that may
//     safely be repeated until it succeeds or its error asks to stop; DoOnce makes
//     a payment, once, and tells the truth about it. Start here.
//   - [github.com/nexpay-go/resilience/classify]: what an error code means. Two
//     axes: what would help, and what is known to have happened.
//   - [github.com/nexpay-go/resilience/policy]: what to do about it, per code,
//     HTTP status and class.
//   - [github.com/nexpay-go/resilience/policyfile], a module of its own: both
//     as a file that operators can read, check and change while it runs, and
//     cmd/nexpolicy, which explains it at a terminal.
//   - [github.com/nexpay-go/resilience/breaker]: when to leave the server alone,
//     and the lockout that keeps everyone off a locked key.
//   - [github.com/nexpay-go/resilience/nonce]: which number a signed request
//     carries, when many callers share few keys.
//   - [github.com/nexpay-go/resilience/retry/retryhttp]: all of it under an
//     http.Client that is there already.
//   - [github.com/nexpay-go/resilience/nexpay]: the wire of the Nexpay API,
//     signing and lookups.
//   - [github.com/nexpay-go/resilience/nexpay/nexpaytest]: a bank to test an
//     integration against, over HTTP or in virtual time.
//   - [github.com/nexpay-go/resilience/retry/journaltest]: the rules that a
//     journal of payments has to keep, as tests for one of your own.
//   - [github.com/nexpay-go/resilience/journal], a module of its own: journals in
//     a file, and in a table of PostgreSQL or SQLite.
//
// Only classify and policy know the Nexpay API, as a table each; for another
// API, write another table.
//
// To see all of it at work, offline and in two seconds:
//
//	go run ./examples/quickstart
package resilience
