// Package switchboard shares between processes that the vendor has locked an API key out,
// that a person has unlocked it, and that a person has isolated or reset a breaker.
//
//	board, err := switchboard.New(ctx, switchboard.Config{
//		Store: store, // sqlboard or redisboard, the same for all processes
//		Lockout: retrier.Lockout(),
//	})
//	…
//	defer board.Close()
//
// From then on a key that any process finds locked is locked in all of them within about
// two polls, and in a new process before New returns. The same holds for breakers
// isolated with [Board.Isolate]. Nothing else changes: to unlock a key, call
// Lockout.Unlock in any process.
//
// Calls never wait for the store: changes are queued, and written and read in the
// background. While the store does not answer, every process keeps what it knows, and
// gets the rest when the store is back.
//
// What a process learns by itself about the health of a server is deliberately not
// shared: see docs/fleet.md.
package switchboard
