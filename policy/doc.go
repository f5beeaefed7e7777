// Package policy says what to do about an error: how often to send a request, how long to
// wait, what a retry costs, and what the error means to the circuit breaker.
//
// For the API this module was made for, use [Nexpay]. For any other API use [Standard], or
// compile a [Table] with [New]. To change one code and keep the rest, use [Set.With]:
//
//	set, err := policy.Nexpay().With(policy.Table{
//		Codes: map[classify.Code]policy.Policy{
//			"-32603": {MaxAttempts: 6, MaxElapsed: time.Minute},
//		},
//	})
//
// A zero field inherits: a code from its HTTP status, that from the class, that from the
// table's default, and that from [Standard]. Where zero inherits, [None] means "none" or
// "no limit".
//
// A policy cannot change the meaning of a class: a fatal error is never retried, a call
// is resynced at most twice, and a fix is requested at most once per code and call.
// [Set.Explain] shows what applies to one code.
package policy
