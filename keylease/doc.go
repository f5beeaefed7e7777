// Package keylease lets several processes share API keys that have a rising nonce each:
// a key belongs to one process at a time, and passes on to another when that one ends,
// crashes or is stopped. [Leases] is a nonce.Source over the keys that this process
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
// # What it rests on
//
// The store keeps a record of each key: owner, epoch, a nonce called high, and until when
// the owner has it. A holder hands out no nonce above the high that it has stored, and none
// when it has not renewed its lease for TTL; who takes over begins above high. So every nonce of an epoch is below every nonce of the next,
// and the API itself refuses whatever a former holder still sends: safety needs no clock.
// When a key passes on is a matter of one clock, the store's.
//
// A holder renews all its keys in one round to the store, three times in [Config.TTL], in
// the background: a call never waits for the store while that answers in time. A store
// that is gone changes nothing until TTL is over: where a call needs a round that has
// failed, that is made again soon, and the call waits for it. Then turns end with an error
// that says so, and come back with the store.
//
// Processes that have as many keys as there are processes, a StatefulSet with one key for
// each ordinal say, need none of this: nonce.LaneConfig.HighWater on a volume of their own
// is simpler. With more processes than keys some wait until a key is free, which is right
// for work queues, and not for servers.
package keylease
