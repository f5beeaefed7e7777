// Package protocol is what retry.DoOnce does about a payment, as a table: in
// which phase which event leads where, and which rule that keeps. The rules M1 to
// M10 are in docs/design.md.
//
// It has no clock, no context and no I/O. The driver in package retry turns what
// happened into an [Event]; what the event means is a [Row]. A test walks every
// world of two sends and two processes, and breaks each row once.
package protocol
