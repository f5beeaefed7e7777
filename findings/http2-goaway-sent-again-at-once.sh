#!/bin/bash
# net/http sends one GET hundreds of times a second to a server that goes away each time.
#
# Run on 2026-11-28 with go1.26.8, net/http as the client, HTTP/2 over TLS on loopback, two
# busy cores. The server is some thirty lines that answer each request by GOAWAY with a
# last stream of 0, which says that nothing was done with it (RFC 9113, section 6.8), as one
# does that is being restarted. The client is a plain http.Client, whose context ends after
# two seconds.
#
#   GOAWAY:         909 requests from one Do of a GET, each on a connection of its own
#   REFUSED_STREAM: 3 requests: the second after a second, the third after two more
#   a POST whose body cannot be rewound: 1 request, by either
#
# What is likely behind it: the pause between the tries of the HTTP/2 layer is skipped where
# a new connection is to be had, and the number of tries is not bounded there.
#
# So one attempt of a retry library is not one request, in the very moment when a server
# asks for less. retryhttp keeps net/http from it after the second connection, and tells.
#
# Usage: findings/http2-goaway-sent-again-at-once.sh
#
# Needs Go, which fetches the toolchain named below if it is another. It takes some 10
# seconds. Exit status: 0 if it is as above, 1 if not, 2 if it could not be run.
set -eu -o pipefail
export GOTOOLCHAIN=go1.26.8 GOFLAGS=-mod=mod GOWORK=off

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'EOF'
module finding

go 1.26
EOF
cat >main.go <<'EOF'
package main

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

var streams atomic.Int64
var goAway bool

// refuse speaks just enough HTTP/2 to refuse each stream.
func refuse(_ *http.Server, conn *tls.Conn, _ http.Handler) {
	if _, err := io.ReadFull(conn, make([]byte, 24)); err != nil { // the preface
		return
	}
	_, _ = conn.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0})
	for head := make([]byte, 9); ; {
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, conn, int64(head[0])<<16|int64(head[1])<<8|int64(head[2]))
		switch {
		case head[3] == 4 && head[4] == 0: // SETTINGS
			_, _ = conn.Write([]byte{0, 0, 0, 4, 1, 0, 0, 0, 0})
		case head[3] == 1: // HEADERS
			streams.Add(1)
			if goAway {
				_, _ = conn.Write([]byte{0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
				_, _ = io.Copy(io.Discard, conn)
				return
			}
			frame := append([]byte{0, 0, 4, 3, 0}, head[5:9]...)
			_, _ = conn.Write(binary.BigEndian.AppendUint32(frame, 7))
		}
	}
}

// send returns how many requests one Do became.
func send(c *http.Client, method, url string, body io.Reader) int64 {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	streams.Store(0)
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	if resp, err := c.Do(req); err == nil {
		resp.Body.Close()
	}
	return streams.Load()
}

func main() {
	s := httptest.NewUnstartedServer(nil)
	s.EnableHTTP2 = true
	s.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){"h2": refuse}
	s.StartTLS()
	defer s.Close()
	refused := send(s.Client(), "GET", s.URL, nil)
	fmt.Println("REFUSED_STREAM: requests of one GET in two seconds:", refused)
	goAway = true
	get := send(s.Client(), "GET", s.URL, nil)
	fmt.Println("GOAWAY: requests of one GET in two seconds:", get)
	post := send(s.Client(), "POST", s.URL, io.NopCloser(strings.NewReader("x")))
	fmt.Println("GOAWAY: requests of one POST with a body that cannot be rewound:", post)
	if get < 50 || refused > 10 || post != 1 {
		os.Exit(1)
	}
}
EOF
go build -o finding . || exit 2
./finding
