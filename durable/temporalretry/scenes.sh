#!/bin/bash
# Four scenes on a real Temporal server, which is built into the test: a payment whose
# answer is lost, made without this package, without a journal, and with one; and a
# locked key. It stays out of CI: to build the server takes up to a quarter of an hour on
# two cores.
#
# Run on 2026-11-28 with go.temporal.io/server v1.32.1 and go.temporal.io/sdk v1.44.0:
#
#   without this package: the workflow ends well, paid 2 times
#   without a journal: type no-journal, 1 attempt, 0 requests
#   with one: the workflow ends well after 2 attempts, paid once
#   a locked key: 2 workflows, type fatal/100 both, 1 request
#
# Usage: durable/temporalretry/scenes.sh
#
# Needs Go and a module proxy. Exit status: that of go test.
set -eu -o pipefail
export GOFLAGS=-mod=mod GOWORK=off

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$here"/testdata/scenes/scenes_test.go "$folder"
cd "$folder"
cat >go.mod <<EOF
module scenes

go 1.26.8

require (
	github.com/nexpay-go/resilience v0.1.0
	github.com/nexpay-go/resilience/durable/temporalretry v0.1.0
	go.temporal.io/sdk v1.44.0
	go.temporal.io/server v1.32.1
)

replace (
	github.com/nexpay-go/resilience v0.1.0 => $root
	github.com/nexpay-go/resilience/durable/temporalretry v0.1.0 => $here
)
EOF
go test -v -timeout 10m .
