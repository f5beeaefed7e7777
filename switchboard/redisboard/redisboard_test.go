package redisboard_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/switchboard"
	"github.com/nexpay-go/resilience/switchboard/redisboard"
	"github.com/nexpay-go/resilience/switchboard/switchboardtest"
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

var keys atomic.Int64

func TestKeepsTheRules(t *testing.T) {
	c := client(t)
	switchboardtest.Run(t, func() switchboard.Store {
		s, err := redisboard.New(func(ctx context.Context, script string, keys []string, args ...any) (any, error) {
			return c.Eval(ctx, script, keys, args...).Result()
		}, redisboard.Config{Key: fmt.Sprint("board-", keys.Add(1))})
		require.NoError(t, err)
		return s
	})
}

func TestConfig(t *testing.T) {
	_, err := redisboard.New(nil, redisboard.Config{Key: strings.Repeat("x", 201)})
	require.EqualError(t, err, "redisboard: eval is nil\nredisboard: Config.Key is 201 bytes long, more than 200")
}

// Whatever a client makes of the reply is read, or refused, and never panics.
func TestReplies(t *testing.T) {
	for _, tt := range []struct {
		reply any
		ok    bool
	}{
		{nil, true},
		{[]any{}, true},
		{[]any{"key main", `5 1 {"kind":"key","name":"main"}`}, true},
		{[]any{[]byte("key main"), []byte(`-5 0 {"kind":"key","name":"main"}`)}, true},
		{[]any{"key main", `5 1 {"kind":"key","name":"other"}`}, false},
		{[]any{"key main", "5 1 {}"}, false},
		{"OK", false},
		{[]any{"key main"}, false},
		{[]any{"key main", ""}, false},
		{[]any{"key main", "x 1 {}"}, false},
		{[]any{"key main", "5 2 {}"}, false},
		{[]any{"key main", "5 1 {"}, false},
		{[]any{5, nil}, false},
	} {
		s, err := redisboard.New(func(context.Context, string, []string, ...any) (any, error) { return tt.reply, nil }, redisboard.Config{})
		require.NoError(t, err)
		_, err = s.All(t.Context())
		require.Equal(t, tt.ok, err == nil, "%v: %v", tt.reply, err)
	}
}

// While the server's clock was ahead, a key was locked. It is right again, and the lock is from the future: it must not outlast
// what is said now, by years maybe.
func TestClockIsSetBack(t *testing.T) {
	c, key := client(t), fmt.Sprint("board-", keys.Add(1))
	s, err := redisboard.New(func(ctx context.Context, script string, keys []string, args ...any) (any, error) {
		return c.Eval(ctx, script, keys, args...).Result()
	}, redisboard.Config{Key: key})
	require.NoError(t, err)
	locked := func() bool {
		all, err := s.All(t.Context())
		require.NoError(t, err)
		return all[0].On
	}
	e := switchboard.Entry{Kind: switchboard.Key, Name: "main", On: true}
	require.NoError(t, s.Put(t.Context(), e, 0))
	held, err := c.HGet(t.Context(), key, "key main").Result()
	require.NoError(t, err)
	at, rest, _ := strings.Cut(held, " ")
	micros, err := strconv.ParseInt(at, 10, 64)
	require.NoError(t, err)
	ahead := strconv.FormatInt(micros+(87_600*time.Hour).Microseconds(), 10)
	require.NoError(t, c.HSet(t.Context(), key, "key main", ahead+" "+rest).Err())
	require.True(t, locked())
	e.On = false
	require.NoError(t, s.Put(t.Context(), e, time.Minute))
	require.False(t, locked())
	e.On = true
	require.NoError(t, s.Put(t.Context(), e, time.Hour), "older than what is stored, which is right again")
	require.False(t, locked())
}

// Somebody has written into the hash. The others' entries still count, the error names the field, and the next change of the
// key puts it right.
func TestFieldsOfSomebodyElse(t *testing.T) {
	c, key := client(t), fmt.Sprint("board-", keys.Add(1))
	s, err := redisboard.New(func(ctx context.Context, script string, keys []string, args ...any) (any, error) {
		return c.Eval(ctx, script, keys, args...).Result()
	}, redisboard.Config{Key: key})
	require.NoError(t, err)
	other := switchboard.Entry{Kind: switchboard.Key, Name: "other", On: true}
	require.NoError(t, s.Put(t.Context(), other, 0))
	for i, value := range []string{"", "locked", "now 1 {}", "5 7 {}", "5 1 {", "5 1 {"} {
		require.NoError(t, c.HSet(t.Context(), key, "key main", value).Err())
		all, err := s.All(t.Context())
		require.EqualError(t, err, `redisboard: all: field "key main" of the hash "`+key+`" is not an entry: delete it`, value)
		require.Len(t, all, 1, value)
		require.True(t, all[0].On)
		require.NoError(t, s.Put(t.Context(), switchboard.Entry{Kind: switchboard.Key, Name: "main", On: i%2 == 1}, 0), value)
		all, err = s.All(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 2)
	}
}
