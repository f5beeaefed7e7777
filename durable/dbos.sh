#!/bin/bash
# The recipe for DBOS in docs/durable.md, on DBOS with a database of SQLite.
#
# Usage: durable/dbos.sh
#
# Needs Go and a module proxy. Exit status: that of go test.
set -eu -o pipefail
export GOFLAGS=-mod=mod GOWORK=off

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$here"/testdata/dbos/*.go "$folder"
cd "$folder"
cat >go.mod <<EOF
module payments

go 1.26

require (
	github.com/dbos-inc/dbos-transact-golang v1.8.0
	github.com/nexpay-go/resilience v0.1.0
)

replace github.com/nexpay-go/resilience v0.1.0 => $root
EOF
go test -v -timeout 5m .
