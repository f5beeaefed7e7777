// Package keylease lets several processes share API keys that each need rising nonces. A
// key belongs to one process at a time. It passes on to another one when that process
// ends, crashes or is stopped. [Leases] is a nonce.Source over the keys that this process
// holds, for retry.Config.Nonces.
//
//	leases, err := keylease.New(keylease.Config{
//		Store: store, // sqllease or redislease, the same for all processes
//		Keys:  []string{"main", "spare", "night"},
//	})
//	…
//	defer leases.Close(context.Background())
//	r, err := retry.New(retry.Config{Nonces: leases})
//
// # How it works
//
// The store keeps a record of each key: the owner, the epoch, a nonce called high, and
// until when the owner holds the key. A holder hands out no nonce above the high in the
// store, and none once it has not renewed its lease for TTL. The next holder begins above
// high. So every nonce of an epoch is below every nonce of the next, and the API itself
// refuses whatever a former holder still sends: safety needs no clock. When a key passes
// on depends on one clock, the store's.
//
// A holder renews all its keys in one round to the store, three times in [Config.TTL], in
// the background: a call never waits for the store while it answers in time. If the store
// fails, nothing changes until TTL is over. If a call needs a round that has failed, the
// round is repeated soon and the call waits for it. After TTL turns fail with an error
// that says so, and work again once the store answers.
//
// If there are as many keys as processes, for example one for each ordinal of a
// StatefulSet, you do not need this package: nonce.LaneConfig.HighWater on a volume for
// each process is simpler. With more processes than keys, some processes wait until a key
// is free. That suits work queues, not servers.
package keylease
