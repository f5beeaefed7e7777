#!/bin/bash
# rueidis sends a script twice that takes longer than a second, if the connection reaches its ConnLifetime meanwhile:
# with retries switched off, on a healthy network, and without an error.
#
# Run on 2026-11-28 with github.com/redis/rueidis v1.0.79, go1.26 and a Redis server 7.0 on a Unix socket. A script
# takes 10 from an account of 100 and keeps the server busy for two seconds. It begins 3.5 s after the connection was
# made. DisableRetry is true. "Callers before" is how many used the connection at the same time before that.
#
#   ConnLifetime 0s, callers before 1:  returns 90, <nil>; the account has 90
#   ConnLifetime 0s, callers before 50: returns 90, <nil>; the account has 90
#   ConnLifetime 4s, callers before 1:  returns 0, read unix ...: use of closed network connection; the account has 90
#   ConnLifetime 4s, callers before 50: returns 80, <nil>; the account has 80
#
# What is likely behind it: a connection whose lifetime is over is closed after one more second, whether its answers are there
# or not. Once several callers have shared it, all that waits on it ends with an error of the package, and that is
# repeated on a new connection even if the command is not one that may be retried. Of ConnLifetime it is documented
# that it closes connections. (go-redis repeats what it lost an answer to, by default: go-redis-repeats-commands.sh.)
#
# So a counter, a limit or a balance in Redis may count twice where the server is slow, and a lone caller gets an error
# for what was done. Leave ConnLifetime at zero, or give each write an identity of its own that the script knows again,
# as those of redislease and redisboard do. docs/idempotency-keys.md warns of it.
#
# Usage: findings/rueidis-repeats-on-an-aged-connection.sh
#
# Needs Go, a module proxy, and redis-server in the path. Takes half a minute. Exit status: 0 if it is as above, 1 if not,
# 2 if it could not be run.
set -eu -o pipefail
export GOFLAGS=-mod=mod GOWORK=off

command -v redis-server >/dev/null || { echo "redis-server is not installed"; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'END'
module finding

go 1.26

require github.com/redis/rueidis v1.0.79
END
cat >main.go <<'END'
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// slow takes money from an account and then keeps the server busy for two seconds.
const slow = `
local left = redis.call('DECRBY', KEYS[1], 10)
local began = redis.call('TIME')
repeat local now = redis.call('TIME') until (now[1] - began[1]) * 1000000 + now[2] - began[2] > 2000000
return left`

func must[T any](v T, err error) T {
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	return v
}

// open connects without retries, and with one option more.
func open(socket string, lifetime time.Duration) rueidis.Client {
	return must(rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{socket}, DisableRetry: true, ConnLifetime: lifetime,
		DialCtxFn: func(ctx context.Context, path string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return d.DialContext(ctx, "unix", path)
		},
	}))
}

func main() {
	socket := os.Args[1] + "/redis.sock"
	server := exec.Command("redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--dir", os.Args[1])
	must(0, server.Start())
	defer server.Process.Kill()
	for i := 0; ; i++ {
		c, err := net.Dial("unix", socket)
		if err == nil {
			c.Close()
			break
		}
		if i == 100 {
			fmt.Println("the server does not answer")
			os.Exit(2)
		}
		time.Sleep(50 * time.Millisecond)
	}
	ctx := context.Background()
	for _, lifetime := range []time.Duration{0, 4 * time.Second} {
		for _, callers := range []int{1, 50} {
			c := open(socket, lifetime)
			must(0, c.Do(ctx, c.B().Set().Key("account").Value("100").Build()).Error())
			var all sync.WaitGroup
			for range callers {
				all.Go(func() { must(c.Do(ctx, c.B().Get().Key("account").Build()).ToString()) })
			}
			all.Wait()
			time.Sleep(3500 * time.Millisecond)
			left, err := c.Do(ctx, c.B().Eval().Script(slow).Numkeys(1).Key("account").Build()).ToInt64()
			c.Close()
			other := open(socket, 0)
			is := must(other.Do(ctx, other.B().Get().Key("account").Build()).ToString())
			other.Close()
			fmt.Printf("ConnLifetime %v, callers before %d: returns %d, %v; the account has %s\n", lifetime, callers, left, err, is)
		}
	}
}
END
{ go mod tidy && go build -o finding .; } >log 2>&1 || { cat log; exit 2; }
timeout 60 ./finding "$folder" | tee seen || exit 2

grep -q '^ConnLifetime 0s, callers before 1: returns 90, <nil>; the account has 90$' seen &&
	grep -q '^ConnLifetime 0s, callers before 50: returns 90, <nil>; the account has 90$' seen &&
	grep -q '^ConnLifetime 4s, callers before 1: returns 0, .*closed network connection; the account has 90$' seen &&
	grep -q '^ConnLifetime 4s, callers before 50: returns 80, <nil>; the account has 80$' seen || {
	echo "not as it was seen"
	exit 1
}
