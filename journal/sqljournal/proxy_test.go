package sqljournal_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// A proxy stands before the PostgreSQL of these tests. Armed, it passes on the next
// statement with a word in it, and cuts the connection.
type proxy struct {
	word     string
	answered bool // cut when the server has answered, which is then committed; false: at once
	armed    atomic.Bool

	done  sync.WaitGroup
	mu    sync.Mutex // guards conns
	conns []net.Conn
}

// open returns a database behind the proxy.
func (p *proxy) open(t *testing.T) *sql.DB {
	t.Helper()
	postgres.dsn(t) // starts it
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.done.Go(func() { p.accept(listener) })
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	// Each statement goes with its text; one that was prepared before would not.
	db, err := sql.Open("pgx", fmt.Sprintf("host=127.0.0.1 port=%s user=journal dbname=postgres sslmode=disable default_query_exec_mode=exec", port))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, db.Close())
		require.NoError(t, listener.Close())
		p.closeAll()
		p.done.Wait()
	})
	return db
}

func (p *proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", filepath.Join(postgres.folder, ".s.PGSQL.5432"))
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		var cut atomic.Bool
		p.done.Go(func() {
			defer server.Close()
			p.up(client, server, &cut)
		})
		p.done.Go(func() {
			defer client.Close()
			p.down(client, server, &cut)
		})
	}
}

func (p *proxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
}

func (p *proxy) up(client, server net.Conn, cut *atomic.Bool) {
	for buf := make([]byte, 64<<10); ; {
		n, err := client.Read(buf)
		if bytes.Contains(buf[:n], []byte(p.word)) && p.armed.CompareAndSwap(true, false) {
			cut.Store(true)
		}
		if _, werr := server.Write(buf[:n]); err != nil || werr != nil {
			return
		}
		if cut.Load() && !p.answered {
			_ = client.Close()
			return
		}
	}
}

// ready is the server's word that a statement is over, and what it did committed.
var ready = []byte("Z\x00\x00\x00\x05I")

func (p *proxy) down(client, server net.Conn, cut *atomic.Bool) {
	for buf := make([]byte, 64<<10); ; {
		n, err := server.Read(buf)
		if cut.Load() {
			if err != nil || bytes.HasSuffix(buf[:n], ready) {
				return
			}
			continue
		}
		if _, werr := client.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

// locked keeps writers out of a table until free is called. Readers go on.
func locked(t *testing.T, db *sql.DB, table string) (free func()) {
	t.Helper()
	tx, err := db.BeginTx(context.Background(), nil)
	require.NoError(t, err)
	_, err = tx.Exec("LOCK TABLE " + table + " IN SHARE MODE")
	require.NoError(t, err)
	free = sync.OnceFunc(func() { _ = tx.Rollback() })
	t.Cleanup(free)
	return free
}

// awaitWaiting returns when that many statements wait for a lock of the table, or for
// a transaction that has changed its row.
func awaitWaiting(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	for range 100_000 {
		var waiting int
		require.NoError(t, db.QueryRow(`SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN
			(SELECT pid FROM pg_stat_activity WHERE application_name = $1)`, t.Name()).Scan(&waiting))
		if waiting >= n {
			return
		}
	}
	require.FailNow(t, "no statement waits")
}
