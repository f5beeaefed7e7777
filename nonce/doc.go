// Package nonce decides which number a request carries.
//
// An API that wants strictly rising nonces refuses a request that overtakes another one on the way: parallel callers
// who each read the clock refuse one another. A [Lane] makes them take turns on one API key. Whoever comes first is
// first, and gets a nonce above every one before it at the moment the turn begins:
//
//	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
//	…
//	ticket, err := lane.Enter(ctx) // waits for its turn
//	if err != nil {
//		return err
//	}
//	defer ticket.Leave() // once the answer is in
//	send(ticket.Key(), ticket.Nonce())
//
// A request that the API refused for its nonce (code 50) is sent again in the same turn, with a newer one from
// [Ticket.Resync]; another request of the same turn takes one from [Ticket.Next].
//
// # More than one at a time
//
// A [Pool] of lanes gives what its keys give together. On one key, LaneConfig.Adaptive finds out how many requests may be
// in flight before they overtake each other too often, and LaneConfig.InFlight says so where that was measured: what is
// refused then is sent again, and the second time with nothing to overtake it.
//
// A slow answer keeps the others on its key waiting, for as long as its attempt may take: give attempts a timeout. Give
// reads a key and a lane of their own, so that they never stand between a payment and its turn.
//
// # Who waits for whom
//
// Who enters waits for turns to end, in the order of coming. A turn that has begun waits at most for its place among
// those in flight, or for the end of the one turn that nobody may overtake, which itself waits for nobody: so no turn
// waits for one that waits for it.
//
// A caller whose deadline would come before its turn is sent away at once with a [WaitError]. What turns take is judged by
// the last eight of them, and one or a few that hung count little, so that nobody is sent away for those. Where more than
// half take long, all are expected to. A lane that was idle for longer than those eight took is measured anew.
//
// # One process per key
//
// A lane knows of its own nonces only. A second lane on the same key, in this process or another, takes the first one's
// nonces away: the API refuses whichever is behind. Give each process a key of its own. A lane that meets somebody else
// goes ahead of the clock by a second and then by a minute, and tells of it in Events, in Stats and in a [ForeignError].
//
// After a restart the clock has moved on and a new lane goes on above the old one, unless the clock was set back
// meanwhile; LaneConfig.HighWater is for who wants to be safe from that as well. However often a process crashes, the next
// one begins at most ten seconds ahead of the clock, and of what was sent. A disk that hangs keeps nobody longer than the
// context allows. Package noncetest holds a source of your own to the rules, such as one that several processes share.
package nonce
