// Package nonce provides the nonces that requests carry.
//
// An API that requires strictly rising nonces refuses a request that overtakes another
// one on the way, so parallel callers that each read the clock cause refusals for one
// another. A [Lane] makes the callers of one API key take turns, in the order of their
// arrival. Each turn gets a nonce above all earlier ones at the moment it begins:
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
// If the API refuses a request for its nonce (code 50), send it again in the same turn
// with a newer nonce from [Ticket.Resync]. For another request of the same turn use
// [Ticket.Next].
//
// # More than one at a time
//
// A [Pool] of lanes provides the combined throughput of its keys. On one key,
// LaneConfig.Adaptive finds how many requests may be in flight before they overtake each
// other too often; LaneConfig.InFlight sets that number where you have measured it. A
// request that is refused because it was overtaken is sent again, the second time with
// nothing to overtake it.
//
// A slow answer delays the other callers of its key for as long as its attempt may take:
// give attempts a timeout. Give reads their own key and lane, so that they never delay a
// payment.
//
// # Who waits for whom
//
// A caller of Enter waits for turns to end, in the order of arrival. A turn that has
// begun waits only for its place among those in flight, or for the end of the one turn
// that must not be overtaken. That turn waits for nobody, so no two turns wait for each
// other.
//
// Enter returns a [WaitError] at once if the turn would come after the caller's deadline.
// The estimate uses the last eight turns, and limits the weight of a few that took long.
// If more than half of them took long, all turns are expected to. If a lane was idle for
// longer than those eight turns took, it measures anew.
//
// # One process per key
//
// A lane knows only its own nonces. If a second lane uses the same key, in this process
// or another, the API refuses whichever is behind. Give each process its own key. A lane
// that detects another sender goes ahead of the clock by a second and then by a minute,
// and reports it in Events, in Stats and with a [ForeignError].
//
// A new lane after a restart continues above the old one, because the clock has moved on,
// unless it was set back. LaneConfig.HighWater protects against that too. After any
// number of crashes the next lane begins at most ten seconds ahead of the clock and of
// what was sent. A disk that hangs blocks a caller no longer than its context allows.
// Package noncetest tests your own Source against the rules, such as one that several
// processes share.
package nonce
