// Package protocol is the payment protocol of retry.DoOnce as a table: in which phase which
// event leads where, and which rule requires that. The rules M1 to M10 are in
// docs/design.md.
//
// It has no clock, no context and no I/O. The driver in package retry turns what happened
// into an [Event]. A [Row] says what the event means. A test walks through all sequences of
// two sends and two processes, and breaks each row once.
package protocol
