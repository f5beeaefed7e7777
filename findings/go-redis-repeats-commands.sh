#!/bin/bash
# go-redis repeats a command whose answer is lost, whatever the command: INCR counts two, LPOP
# loses an element, and SET NX returns false to the caller that holds the lock.
#
# Run on 2026-11-28 with github.com/redis/go-redis/v9 v9.23.0, its own options, and a Redis
# server 7.0 behind a proxy on loopback that loses one answer and its connection:
#
#   INCR         returns 2, <nil>
#   SET NX       returns false, <nil>; the lock is held by this caller
#   LPOP of a, b returns "b", <nil>; left [], and nobody has a
#   XADD         returns <nil>; entries 2
#   Pipelined    returns <nil>; INCR counted 2
#   TxPipelined  returns EOF; DECRBY and INCRBY done -10 10
#
# So one call does a thing twice, without an error. A caller that keeps out a second payment
# with SET NX, as is often advised, is told that somebody else is at it, and nobody pays. The
# exception among these is MULTI: its error is returned, although it has taken effect.
# MaxRetries: -1 switches the repeats off; the error is then returned.
#
# redislease and redisboard hold under such repeats: their scripts know an EVAL that comes
# again. docs/idempotency-keys.md warns of it.
#
# Usage: findings/go-redis-repeats-commands.sh
#
# Needs Go, a module proxy, and redis-server in the path. Exit status: 0 if it is as above, 1 if
# not, 2 if it could not be run.
set -eu -o pipefail
export GOFLAGS=-mod=mod GOWORK=off

command -v redis-server >/dev/null || { echo "redis-server is not installed"; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'END'
module finding

go 1.26

require github.com/redis/go-redis/v9 v9.23.0
END
cat >main.go <<'END'
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// A proxy loses the next answer that begins with lose, and its connection.
type proxy struct {
	socket string
	mu     sync.Mutex
	lose   string
}

func (p *proxy) loses(answer []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	hit := p.lose != "" && bytes.HasPrefix(answer, []byte(p.lose))
	if hit {
		p.lose = ""
	}
	return hit
}

func (p *proxy) next(answer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose = answer
}

func (p *proxy) serve(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.socket)
		if err != nil {
			client.Close()
			continue
		}
		go io.Copy(server, client)
		go func() {
			defer client.Close()
			defer server.Close()
			b := make([]byte, 1<<16)
			for {
				n, err := server.Read(b)
				if err != nil || p.loses(b[:n]) {
					return
				}
				client.Write(b[:n])
			}
		}()
	}
}

func main() {
	p := &proxy{socket: os.Args[1] + "/redis.sock"}
	server := exec.Command("redis-server", "--port", "0", "--unixsocket", p.socket, "--save", "", "--dir", os.Args[1])
	if err := server.Start(); err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	defer server.Process.Kill()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	go p.serve(l)
	ctx := context.Background()
	r := redis.NewClient(&redis.Options{Addr: l.Addr().String()})
	for i := 0; r.Ping(ctx).Err() != nil; i++ {
		if i == 50 {
			fmt.Println("the server does not answer")
			os.Exit(2)
		}
		time.Sleep(50 * time.Millisecond)
	}

	var seen []string
	say := func(format string, args ...any) {
		seen = append(seen, fmt.Sprintf(format, args...))
		fmt.Println(seen[len(seen)-1])
	}
	p.next(":1\r\n")
	n, err := r.Incr(ctx, "n").Result()
	say("INCR returns %d, %v", n, err)

	p.next("+OK\r\n")
	ok, err := r.SetNX(ctx, "lock", "this caller", time.Minute).Result()
	say("SET NX returns %v, %v; the lock is held by %s", ok, err, r.Get(ctx, "lock").Val())

	r.RPush(ctx, "queue", "a", "b")
	p.next("$1\r\na\r\n")
	v, err := r.LPop(ctx, "queue").Result()
	say("LPOP of a, b returns %q, %v; left %v", v, err, r.LRange(ctx, "queue", 0, -1).Val())

	p.next("$")
	err = r.XAdd(ctx, &redis.XAddArgs{Stream: "stream", Values: []string{"k", "v"}}).Err()
	say("XADD returns %v; entries %d", err, r.XLen(ctx, "stream").Val())

	p.next(":1\r\n")
	_, err = r.Pipelined(ctx, func(pipe redis.Pipeliner) error { pipe.Incr(ctx, "m"); return nil })
	say("Pipelined returns %v; INCR counted %s", err, r.Get(ctx, "m").Val())

	p.next("+OK\r\n+QUEUED")
	_, err = r.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.DecrBy(ctx, "from", 10)
		pipe.IncrBy(ctx, "to", 10)
		return nil
	})
	say("TxPipelined returns %v; DECRBY and INCRBY done %s %s", err, r.Get(ctx, "from").Val(), r.Get(ctx, "to").Val())

	server.Process.Kill()
	server.Wait()
	if strings.Join(seen, "\n") != strings.TrimSpace(known) {
		os.Exit(1)
	}
}

const known = `
INCR returns 2, <nil>
SET NX returns false, <nil>; the lock is held by this caller
LPOP of a, b returns "b", <nil>; left []
XADD returns <nil>; entries 2
Pipelined returns <nil>; INCR counted 2
TxPipelined returns EOF; DECRBY and INCRBY done -10 10
`
END
go build -o finding . >log 2>&1 || { cat log; exit 2; }
./finding "$folder"
