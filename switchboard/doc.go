// Package switchboard tells all processes what one of them was told: that the vendor has
// locked an API key out, that a person has unlocked it, or has isolated or reset a
// breaker.
//
//	board, err := switchboard.New(ctx, switchboard.Config{
//		Store: store, // sqlboard or redisboard, the same for all processes
//		Lockout: retrier.Lockout(),
//	})
//	…
//	defer board.Close()
//
// From then on a key that any process finds locked is locked in all of them, within two
// polls or so, and in a new one before New returns; and so is what is said by
// [Board.Isolate]. Nothing else changes: who unlocks a key calls Lockout.Unlock, in any
// process.
//
// Calls never wait for the store: what happens is queued, put and asked for in the
// background. While the store is gone every process knows what it knew, and learns the
// rest when it is back.
//
// What a process finds out about the health of a server by itself is not passed on, on
// purpose: see docs/fleet.md.
package switchboard
