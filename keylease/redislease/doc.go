// Package redislease keeps leases on API keys in Redis 5 or newer, or Valkey. It works
// with any client and needs one function of it:
//
//	store, err := redislease.New(func(ctx context.Context, script string, keys []string, args ...any) (any, error) {
//		return client.Eval(ctx, script, keys, args...).Result() // go-redis
//	}, redislease.Config{})
//	…
//	leases, err := keylease.New(keylease.Config{Store: store, Keys: keys})
//
// With go-redis set redis.Options.ContextTimeoutEnabled. Otherwise a round that the
// server does not answer takes ReadTimeout, 5 s, and the same again for each retry,
// whatever TTL is.
//
// A round is one script, which uses the server's clock. It may run twice: go-redis
// repeats an EVAL whose answer is lost.
//
// The records are two hashes without an expiry. The server must not lose them: set
// maxmemory-policy to noeviction, and appendonly to yes with appendfsync always or
// everysec. If a server loses them, for example in a failover to a replica that was
// behind, a process may begin below nonces that were used. The API then refuses its
// requests (code 50) until the lane has caught up. No payment is made twice because of
// that.
package redislease
