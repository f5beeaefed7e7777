#!/bin/bash
# With lib/pq, a Commit that runs into its timeout while PostgreSQL waits for a standby returns nil, and a
# failover loses what it wrote.
#
# Run on 2026-11-28 with github.com/lib/pq v1.12.3, github.com/jackc/pgx/v5 v5.12.0 (both under database/sql), go1.26
# and PostgreSQL 15.18 on a Unix socket: synchronous_standby_names = '*', and the only standby is stopped, so that
# every COMMIT waits. Each write has a context of two seconds. Then the primary is stopped, and the standby promoted.
#
#   lib/pq      Commit returns <nil>, warnings 1
#   lib/pq      Exec   returns <nil>, warnings 1
#   pgx         Commit returns context.DeadlineExceeded, warnings 0
#   pgx         Exec   returns context.DeadlineExceeded, warnings 0
#   pgx, asking Commit returns <nil>, warnings 1
#   pgx, asking Exec   returns <nil>, warnings 1
#   the primary has all of them; the promoted standby has none
#
# When a context ends, lib/pq asks the server to cancel, and goes by what it answers. A commit that waits for its
# standby cannot be taken back any more: the server stops waiting, and answers COMMIT with a warning. So the timeout
# that was to protect the caller turns "not replicated yet" into a success. The warning reaches only a program that
# has set a handler (pq.ConnectorWithNoticeHandler, pgx's OnNotice). pgx gives up the connection and returns an
# error, unless it is set to ask the server as well (pgconn.CancelRequestContextWatcherHandler: "pgx, asking").
#
# For who writes down payments before they are sent: a nil whose context has ended is no proof, look at ctx.Err()
# after it. sqljournal does; TestBeginSeenButNotReplicated holds it with both drivers. See docs/payments.md.
#
# Usage: findings/lib-pq-unreplicated-commit-is-success.sh
#
# Needs Go, a module proxy, and PostgreSQL (apt-get install postgresql). Takes half a minute. Exit status: 0 if it is as
# above, 1 if not, 2 if it could not be run.
set -eu -o pipefail
export GOFLAGS=-mod=mod GOWORK=off

initdb=$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -1) || true
[ -n "$initdb" ] || { echo "PostgreSQL is not installed"; exit 2; }
PATH=$(dirname "$(readlink -f "$initdb")"):$PATH
folder=$(mktemp -d)
one=$folder/one two=$folder/two
as=() # PostgreSQL does not run as root
[ "$(id -u)" != 0 ] || { as=(setpriv --reuid=nobody --regid=nogroup --clear-groups) && chown nobody "$folder"; }
stop() {
	local data
	for data in "$one" "$two"; do
		[ ! -e "$data/postmaster.pid" ] || "${as[@]}" pg_ctl stop -s -m immediate -D "$data" || true
	done
	rm -rf "$folder"
}
trap stop EXIT
trap 'exit 2' INT TERM HUP
cd "$folder"
mkdir program
cd program
cat >go.mod <<'END'
module finding

go 1.26

require (
	github.com/jackc/pgx/v5 v5.12.0
	github.com/lib/pq v1.12.3
)
END
cat >main.go <<'END'
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"
)

// warned counts the server's warnings, of which a program without a handler hears nothing.
var warned atomic.Int32

// drivers open the database. The last is pgx with a handler of its own that asks the server to cancel, as lib/pq does.
var drivers = []struct {
	name string
	open func(dsn string) *sql.DB
}{
	{"lib/pq", func(dsn string) *sql.DB {
		c, err := pq.NewConnector(dsn)
		must(err)
		return sql.OpenDB(pq.ConnectorWithNoticeHandler(c, func(*pq.Error) { warned.Add(1) }))
	}},
	{"pgx", func(dsn string) *sql.DB { return stdlib.OpenDB(*config(dsn)) }},
	{"pgx, asking", func(dsn string) *sql.DB {
		c := config(dsn)
		c.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
			return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: 10 * time.Second}
		}
		return stdlib.OpenDB(*c)
	}},
}

func config(dsn string) *pgx.ConnConfig {
	c, err := pgx.ParseConfig(dsn)
	must(err)
	c.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) { warned.Add(1) }
	return c
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
}

// pay writes a payment down in one of two ways.
func pay(ctx context.Context, db *sql.DB, way, id string) error {
	if way == "Exec" {
		_, err := db.ExecContext(ctx, "INSERT INTO payment VALUES ($1)", id)
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	must(err)
	_, err = tx.Exec("INSERT INTO payment VALUES ($1)", id)
	must(err)
	return tx.Commit()
}

func main() {
	dsn := "host=" + os.Args[1] + " user=test dbname=postgres sslmode=disable"
	db := drivers[0].open(dsn)
	if os.Args[2] == "before" {
		_, err := db.Exec("CREATE TABLE payment (id text)")
		must(err)
		must(pay(context.Background(), db, "Commit", "before"))
		return
	}
	if os.Args[2] == "list" {
		rows, err := db.Query("SELECT id FROM payment ORDER BY id")
		must(err)
		var ids []string
		for rows.Next() {
			var id string
			must(rows.Scan(&id))
			ids = append(ids, id)
		}
		fmt.Println(strings.Join(ids, "; "))
		return
	}
	for _, d := range drivers {
		for _, way := range []string{"Commit", "Exec"} {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			warned.Store(0)
			err := pay(ctx, d.open(dsn), way, d.name+" "+way)
			seen := fmt.Sprint(err)
			if errors.Is(err, context.DeadlineExceeded) {
				seen = "context.DeadlineExceeded"
			}
			fmt.Printf("%-11s %-6s returns %s, warnings %d; its context has ended: %v\n", d.name, way, seen, warned.Load(), ctx.Err() != nil)
			cancel()
		}
	}
	time.Sleep(time.Second) // for what is sent behind the caller's back
}
END
{ go mod tidy && go build -o "$folder/finding" . && chmod 755 "$folder/finding"; } >log 2>&1 || { cat log; exit 2; }
cd "$folder"

start() { # the socket is outside of the data, which are copied
	"${as[@]}" mkdir -p "$1.socket"
	"${as[@]}" pg_ctl start -s -w -l "$1.log" -D "$1" -o "-k $1.socket -c listen_addresses=" >/dev/null || { cat "$1.log"; exit 2; }
}
"${as[@]}" initdb -D "$one" -U test -A trust -E UTF8 --locale=C --no-sync >/dev/null || exit 2
start "$one"
"${as[@]}" pg_basebackup -D "$two" -R -h "$one.socket" -U test -c fast --no-sync || exit 2
start "$two"
"${as[@]}" psql -q -h "$one.socket" -U test postgres -c "ALTER SYSTEM SET synchronous_standby_names = '*'" -c 'SELECT pg_reload_conf()' >/dev/null || exit 2
./finding "$one.socket" before || exit 2
"${as[@]}" pg_ctl stop -s -D "$two" || exit 2
./finding "$one.socket" pay | tee seen || exit 2
./finding "$one.socket" list | sed 's/^/the primary has: /' | tee -a seen || exit 2
"${as[@]}" pg_ctl stop -s -m immediate -D "$one" || exit 2
start "$two"
"${as[@]}" pg_ctl promote -s -w -D "$two" || exit 2
./finding "$two.socket" list | sed 's/^/the promoted standby has: /' | tee -a seen || exit 2

[ "$(cat seen)" = "$(cat <<'END'
lib/pq      Commit returns <nil>, warnings 1; its context has ended: true
lib/pq      Exec   returns <nil>, warnings 1; its context has ended: true
pgx         Commit returns context.DeadlineExceeded, warnings 0; its context has ended: true
pgx         Exec   returns context.DeadlineExceeded, warnings 0; its context has ended: true
pgx, asking Commit returns <nil>, warnings 1; its context has ended: true
pgx, asking Exec   returns <nil>, warnings 1; its context has ended: true
the primary has: before; lib/pq Commit; lib/pq Exec; pgx Commit; pgx Exec; pgx, asking Commit; pgx, asking Exec
the promoted standby has: before
END
)" ] || { echo "not as it was seen"; exit 1; }
