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
// For more throughput than one key gives, use a [Pool] of lanes. Every turn carries one request at a time; a request
// that is sent again in the same turn needs a newer nonce, from [Ticket.Resync].
//
// # One process per key
//
// A lane knows of its own nonces only. A second lane on the same key, in this process or another, takes the first one's
// nonces away: the API refuses whichever is behind. Give each process a key of its own. After a restart the clock has
// moved on and a new lane goes on above the old one, unless the clock was set back meanwhile; who wants to be safe from
// that as well keeps [Lane.Last] and hands it to [LaneConfig.After].
package nonce
