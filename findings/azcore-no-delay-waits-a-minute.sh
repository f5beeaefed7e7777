#!/bin/bash
# azcore takes "no delay between retries" for the longest delay there is.
#
# Run on 2026-11-28 with github.com/Azure/azure-sdk-for-go/sdk/azcore v1.24.0 on
# loopback: a server that answers 503, and a pipeline with one retry. Its documentation
# says that a RetryDelay below zero means no delay.
#
#   RetryDelay -1 s: 2 requests, 60 s apart, which is the default of MaxRetryDelay
#   RetryDelay 1 ns: 2 requests, together
#
# Who wants the SDK to leave retries to somebody else sets MaxRetries to -1, and not its
# delay to nothing: docs/sdks.md.
#
# Usage: findings/azcore-no-delay-waits-a-minute.sh
#
# Needs Go, a module proxy, and a minute. Exit status: 0 if it is as above, 1 if not, 2 if
# it could not be run.
set -eu -o pipefail
export GOFLAGS=-mod=mod GOWORK=off

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
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// call makes one with one retry, and tells how long it took.
func call(delay time.Duration) (requests int, took time.Duration) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer s.Close()
	p := runtime.NewPipeline("finding", "v0.0.1", runtime.PipelineOptions{}, &policy.ClientOptions{
		Retry: policy.RetryOptions{MaxRetries: 1, RetryDelay: delay},
	})
	req, err := runtime.NewRequest(context.Background(), http.MethodGet, s.URL)
	if err != nil {
		panic(err)
	}
	began := time.Now()
	_, _ = p.Do(req)
	return requests, time.Since(began)
}

func main() {
	n, short := call(time.Nanosecond)
	fmt.Printf("RetryDelay 1 ns: %d requests in %v\n", n, short.Round(time.Second))
	m, long := call(-time.Second)
	fmt.Printf("RetryDelay -1 s: %d requests in %v\n", m, long.Round(time.Second))
	if n != 2 || m != 2 || short > 5*time.Second || long < 45*time.Second {
		os.Exit(1)
	}
}
EOF
{ go get github.com/Azure/azure-sdk-for-go/sdk/azcore@v1.24.0 && go mod tidy && go build -o finding .; } >log 2>&1 || { cat log; exit 2; }
./finding
