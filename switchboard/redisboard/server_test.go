package redisboard_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/servertest"
)

var server = servertest.NewRedis()

func client(t testing.TB) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: server.Socket(t)})
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}
