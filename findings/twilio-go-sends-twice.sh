#!/bin/bash
# twilio-go sends a POST of a v1.0 API twice when the answer is a gateway's page.
#
# Run on 2026-11-28 with github.com/twilio/twilio-go v1.31.0 on loopback: a server that
# answers 503 with a page of HTML, as a gateway does, and the SDK's client, which is
# told X-Twilio-ApiVersion: v1.0 as its packages for such APIs do. One call of
# SendRequest with a POST:
#
#   requests 2, bodies ["To=%2B1" "To=%2B1"]
#   with another version, or none: requests 1
#
# The second goes out at once, without a pause, and no option prevents it. It is not a
# retry of a 503: any answer of 400 or above that is not the JSON of that version has it. A POST that
# has taken effect behind the gateway is made again.
#
# For who calls such an API through retry.Do or DoOnce: one attempt may be two requests.
# docs/sdks.md says so, examples/sdks holds it in a test.
#
# Usage: findings/twilio-go-sends-twice.sh
#
# Needs Go and a module proxy. Exit status: 0 if it is as above, 1 if not, 2 if it could
# not be run.
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
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"

	"github.com/twilio/twilio-go/client"
)

// sent is what a server sees of one POST, which it answers like a gateway.
func sent(header map[string]any) (bodies []string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body))
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "<html>no upstream</html>")
	}))
	defer s.Close()
	c := &client.Client{Credentials: client.NewCredentials("AC1", "token"), HTTPClient: s.Client()}
	_, _ = c.SendRequest(http.MethodPost, s.URL, url.Values{"To": {"+1"}}, header)
	return bodies
}

func main() {
	v1, other := sent(map[string]any{"X-Twilio-ApiVersion": "v1.0"}), sent(nil)
	fmt.Printf("v1.0:  requests %d, bodies %q\nother: requests %d\n", len(v1), v1, len(other))
	if len(v1) != 2 || len(other) != 1 {
		os.Exit(1)
	}
}
EOF
{ go get github.com/twilio/twilio-go@v1.31.0 && go build -o finding .; } >log 2>&1 || { cat log; exit 2; }
./finding
