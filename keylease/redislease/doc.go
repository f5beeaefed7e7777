// Package redislease keeps leases on API keys in Redis 5 or newer, or Valkey, through any
// client, of which it needs one function:
//
//	store, err := redislease.New(func(ctx context.Context, script string, keys []string, args ...any) (any, error) {
//		return client.Eval(ctx, script, keys, args...).Result() // go-redis
//	}, redislease.Config{})
//	…
//	leases, err := keylease.New(keylease.Config{Store: store, Keys: keys})
//
// With go-redis set redis.Options.ContextTimeoutEnabled: otherwise a round that the server
// does not answer goes on for ReadTimeout, 5 s, and once more for each of its retries,
// whatever TTL is.
//
// A round is one script, which goes by the server's clock. It may be run twice, as go-redis
// does by itself with an EVAL whose answer is lost.
//
// The records are two hashes without an expiry. The server has to keep them: set
// maxmemory-policy to noeviction, and appendonly to yes with appendfsync always or
// everysec. A server that forgets them, after a failover to a replica that was behind
// say, lets a process begin below nonces that were used: then the API refuses them (code 50)
// until the lane has caught up. No payment is made twice by that.
package redislease
