// Package redisboard keeps a switchboard in Redis 5 or newer, or Valkey. It works with
// any client and needs one function of it:
//
//	store, err := redisboard.New(func(ctx context.Context, script string, keys []string, args ...any) (any, error) {
//		return client.Eval(ctx, script, keys, args...).Result() // go-redis
//	}, redisboard.Config{})
//	…
//	board, err := switchboard.New(ctx, switchboard.Config{Store: store, Lockout: r.Lockout()})
//
// With go-redis set redis.Options.ContextTimeoutEnabled. Otherwise it waits longer than
// the board for a server that does not answer.
//
// The board is one hash without an expiry. Each method is one script, which uses the
// server's clock and may run twice. If the server loses the board, locked keys are no
// longer shared, and the next call with such a key locks it again.
package redisboard
