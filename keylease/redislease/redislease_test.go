package redislease_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/keylease"
	"github.com/nexpay-go/resilience/keylease/keyleasetest"
	"github.com/nexpay-go/resilience/keylease/redislease"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Println(err)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

var prefixes atomic.Int64

func open(t testing.TB, c *redis.Client) *redislease.Store {
	s, err := redislease.New(func(ctx context.Context, script string, keys []string, args ...any) (any, error) {
		return c.Eval(ctx, script, keys, args...).Result()
	}, redislease.Config{Prefix: fmt.Sprintf("{test-%d}", prefixes.Add(1))})
	require.NoError(t, err)
	return s
}

func TestKeepsTheRules(t *testing.T) {
	c := client(t)
	keyleasetest.Run(t, func() keylease.Store { return open(t, c) })
}

func TestConfig(t *testing.T) {
	_, err := redislease.New(nil, redislease.Config{Prefix: strings.Repeat("x", 201)})
	require.EqualError(t, err, "redislease: eval is nil\nredislease: Config.Prefix is 201 bytes long, more than 200")
}

// Whatever a client makes of the reply is read, or refused, and never panics.
func TestReplies(t *testing.T) {
	for _, tt := range []struct {
		reply any
		want  keylease.Standing
		wrong string
	}{
		{[]any{"2", "main", "7", "1234"}, keylease.Standing{Alive: 2, Records: []keylease.Record{{Key: "main", Epoch: 7, High: 1234}}}, ""},
		{[]any{int64(2), []byte("main"), int64(7), 1234}, keylease.Standing{Alive: 2, Records: []keylease.Record{{Key: "main", Epoch: 7, High: 1234}}}, ""},
		{[]any{"1"}, keylease.Standing{Alive: 1}, ""},
		{nil, keylease.Standing{}, "is a <nil>"},
		{"OK", keylease.Standing{}, "is a string"},
		{[]any{}, keylease.Standing{}, "not a list"},
		{[]any{"1", "main"}, keylease.Standing{}, "not a list"},
		{[]any{"x"}, keylease.Standing{}, "not a list"},
		{[]any{"1", "main", "-", "-1"}, keylease.Standing{}, "not a list"},
		{[]any{"1", nil, "1", "1"}, keylease.Standing{}, "contains a <nil>"},
	} {
		s, err := redislease.New(func(context.Context, string, []string, ...any) (any, error) { return tt.reply, nil }, redislease.Config{})
		require.NoError(t, err)
		got, err := s.Round(t.Context(), keylease.Round{Owner: "a", Keys: []string{"main"}})
		if tt.wrong != "" {
			require.ErrorContains(t, err, tt.wrong)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, tt.want, got)
	}
}

// While the server's clock was ten years ahead, a process took the key, and died. The clock is right again: neither the lease nor
// the process outlasts that.
func TestClockIsSetBack(t *testing.T) {
	c := client(t)
	s, prefix := open(t, c), fmt.Sprintf("{test-%d}", prefixes.Load())
	round := keylease.Round{Owner: "a", Keys: []string{"main"}, TTL: time.Hour}
	_, err := s.Round(t.Context(), round)
	require.NoError(t, err)
	round.Owner = "b"
	got, err := s.Round(t.Context(), round)
	require.NoError(t, err)
	require.Equal(t, keylease.Standing{Alive: 2}, got, "its lease holds")
	ahead := fmt.Sprint(time.Now().Add(87_600 * time.Hour).UnixMicro())
	require.NoError(t, c.HSet(t.Context(), prefix+":owners", "a", ahead).Err())
	require.NoError(t, c.HSet(t.Context(), prefix+":leases", "main", "1 0 "+ahead+" a").Err())
	got, err = s.Round(t.Context(), round)
	require.NoError(t, err)
	require.Equal(t, keylease.Standing{Alive: 1, Records: []keylease.Record{{Key: "main", Epoch: 2}}}, got)
}

// Somebody has written into the hashes. No key begins anew for that, which could repeat nonces: the error names the field. An
// owner that cannot be read is not alive.
func TestFieldsOfSomebodyElse(t *testing.T) {
	c := client(t)
	s, prefix := open(t, c), fmt.Sprintf("{test-%d}", prefixes.Load())
	round := keylease.Round{Owner: "a", Keys: []string{"main", "spare"}, TTL: time.Hour}
	want := fmt.Sprintf(`field "spare" of the hash "%s:leases" is not a lease`, prefix)
	for _, value := range []string{"", "free", "1 2 x a", "-1 2 3 a", "1 9007199254740992 3 a", "9007199254740992 1 3 a", "1 2 3"} {
		require.NoError(t, c.HSet(t.Context(), prefix+":leases", "spare", value).Err())
		_, err := s.Round(t.Context(), round)
		require.ErrorContains(t, err, want, value)
	}
	require.NoError(t, c.HSet(t.Context(), prefix+":leases", "spare", "4 1234 0 ").Err())
	require.NoError(t, c.HSet(t.Context(), prefix+":owners", "b", "soon").Err())
	got, err := s.Round(t.Context(), round)
	require.NoError(t, err)
	require.Equal(t, keylease.Standing{Alive: 1, Records: []keylease.Record{{Key: "main", Epoch: 1}, {Key: "spare", Epoch: 5, High: 1234}}}, got)
}
