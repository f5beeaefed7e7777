#!/bin/bash
# net/http's guard against forged forms refuses a site's own forms where the site asks for no referrer.
#
# Run on 2026-11-28 with go1.26 (net/http.CrossOriginProtection) and Debian's Chromium
# 156.0.8078.108, headless. One server, one page with one form that posts to the page's own address; only
# the header Referrer-Policy of the page differs. Plain http under a hostname, as internal pages often are:
#
#   no header:   Origin http://internal.example:PORT, no Sec-Fetch-Site: 200
#   same-origin: Origin http://internal.example:PORT, no Sec-Fetch-Site: 200
#   no-referrer: Origin null, no Sec-Fetch-Site: 403
#
# and over http on localhost, which the browser trusts, "no-referrer" works:
#
#   no-referrer: Origin null, Sec-Fetch-Site same-origin: 200
#
# Both keep to their rules: a request whose referrer is not to be sent has the Origin "null", and
# Sec-Fetch-Site goes to trustworthy origins only. So the strictest of the usual headers and the strictest
# of the usual guards do not go together, and on the developer's localhost they seem to.
#
# resiliencedebug serves its page with same-origin for that; its browser test holds it.
#
# Usage: findings/no-referrer-forms-refused.sh
#
# Needs Go and the command chromium (apt-get install chromium). Exit status: 0 if it is as above,
# 1 if not, 2 if it could not be run.
set -eu -o pipefail
export GOFLAGS=-mod=mod GOWORK=off

command -v chromium >/dev/null || { echo "no chromium here: apt-get install chromium" >&2; exit 2; }
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
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// page posts its form as soon as it is there.
const page = `<!doctype html><form method="post"><input name="a" value="b"></form><script>document.forms[0].submit()</script>`

// ask serves the page with that policy, has a browser open it under that host, and returns what its form came with.
func ask(host, policy string) string {
	seen := make(chan string, 1)
	guard := http.NewCrossOriginProtection()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			if policy != "" {
				w.Header().Set("Referrer-Policy", policy)
			}
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, page)
			return
		}
		status := http.StatusOK
		if guard.Check(r) != nil {
			status = http.StatusForbidden
		}
		origin := r.Header.Get("Origin")
		if origin == "http://"+r.Host {
			origin = "its own"
		}
		select {
		case seen <- fmt.Sprintf("Origin %s, Sec-Fetch-Site %s: %d", origin, cmp.Or(r.Header.Get("Sec-Fetch-Site"), "missing"), status):
		default:
		}
		w.WriteHeader(status)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	defer server.Close()
	profile, err := os.MkdirTemp(".", "profile")
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	browser := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+profile,
		"--host-resolver-rules=MAP internal.example 127.0.0.1", "--virtual-time-budget=5000", "--dump-dom", "http://"+host+":"+port+"/")
	if err := browser.Start(); err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	defer browser.Wait()
	defer browser.Process.Kill()
	select {
	case s := <-seen:
		return s
	case <-ctx.Done():
		fmt.Println("the browser has sent no form")
		os.Exit(2)
	}
	return ""
}

func main() {
	same := true
	for _, c := range []struct{ host, policy, want string }{
		{"internal.example", "", "Origin its own, Sec-Fetch-Site missing: 200"},
		{"internal.example", "same-origin", "Origin its own, Sec-Fetch-Site missing: 200"},
		{"internal.example", "no-referrer", "Origin null, Sec-Fetch-Site missing: 403"},
		{"localhost", "no-referrer", "Origin null, Sec-Fetch-Site same-origin: 200"},
	} {
		got := ask(c.host, c.policy)
		fmt.Printf("%-17s Referrer-Policy %-12s %s\n", c.host, cmp.Or(c.policy, "none"), got)
		same = same && got == c.want
	}
	if !same {
		fmt.Println("not as it was seen")
		os.Exit(1)
	}
}
EOF
go vet . || exit 2
chromium --version
go run .
