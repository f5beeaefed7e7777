// Package redisboard keeps a switchboard in Redis 5 or newer, or Valkey, through any
// client, of which it needs one function:
//
//	store, err := redisboard.New(func(ctx context.Context, script string, keys []string, args ...any) (any, error) {
//		return client.Eval(ctx, script, keys, args...).Result() // go-redis
//	}, redisboard.Config{})
//	…
//	board, err := switchboard.New(ctx, switchboard.Config{Store: store, Lockout: r.Lockout()})
//
// With go-redis set redis.Options.ContextTimeoutEnabled: otherwise it waits for a server that
// does not answer longer than the board does.
//
// The board is one hash without an expiry. Each method is one script, which goes by the
// server's clock and may be run twice. A server that forgets the board forgets which keys
// are locked: the next call with one finds out.
package redisboard
