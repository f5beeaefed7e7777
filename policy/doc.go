// Package policy says what to do about an error code: how often to send, how
// long to wait, what a resend costs, and what the code means to the circuit
// breaker.
//
// For the API this module was made for, use [Nexpay]; for any other, use
// [Standard], or a [Table] of your own compiled by [New]. To change one code
// and keep the rest, use [Set.With]:
//
//	set, err := policy.Nexpay().With(policy.Table{
//		Codes: map[classify.Code]policy.Policy{
//			-32603: {MaxAttempts: 6, MaxElapsed: time.Minute},
//		},
//	})
//
// A zero field inherits, from the code to the HTTP status to the class to the
// table's default, and from there to what [Standard] does. [None] says "none"
// or "no limit" where zero would inherit.
//
// What a policy cannot change is the meaning of a class: a fatal error is never
// sent again, a code 50 is resynced at most twice in a call, and a fix is asked
// for at most once per code and call. [Set.Explain] tells a person what all of it amounts
// to for one code.
package policy
