package sqljournal_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// A point is where in a statement the connection is cut.
type point string

const (
	before    point = "before the request"       // nothing reaches the server
	forwarded point = "after the request"        // the server executes it when it likes
	answered  point = "before the answer"        // the server has committed
	half      point = "in the middle of it"      // of the answer, that is
	silent    point = "never, but nothing comes" // a network that swallows packets
)

// points are those after which a connection is over.
var points = []point{before, forwarded, answered, half}

// A cut is what is to befall one statement.
type cut struct {
	word string // in its text
	skip int    // so many with the word in it pass
	at   point
}

// A proxy stands before the PostgreSQL of these tests. It cuts a connection where it
// is told to, once.
type proxy struct {
	port   string
	armed  atomic.Pointer[cut]
	refuse atomic.Int64 // so many connections are not taken

	done  sync.WaitGroup
	mu    sync.Mutex // guards conns
	conns []net.Conn
}

func newProxy(t testing.TB) *proxy {
	t.Helper()
	socket := postgres.Socket(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := new(proxy)
	p.done.Go(func() { p.accept(listener, socket) })
	_, p.port, err = net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		p.closeAll()
		p.done.Wait()
	})
	return p
}

// drivers are the ways to send a statement with its text: one that was prepared
// before would go without. lib/pq sends the text, waits, and executes then.
var drivers = map[string]string{"pgx": "default_query_exec_mode=exec", "postgres": ""}

// open returns a database behind the proxy.
func (p *proxy) open(t testing.TB, driver string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, fmt.Sprintf("host=127.0.0.1 port=%s user=test dbname=postgres sslmode=disable %s", p.port, drivers[driver]))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func (p *proxy) accept(listener net.Listener, socket string) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", socket)
		if err != nil || p.refuse.Add(-1) >= 0 {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		l := &link{proxy: p, client: client, server: server}
		p.done.Go(l.up)
		p.done.Go(l.down)
	}
}

// closeAll cuts whatever there is, as the end of the server would.
func (p *proxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// hit takes the cut if it is for this statement.
func (p *proxy) hit(text []byte) *cut {
	c := p.armed.Load()
	if c == nil || !bytes.Contains(text, []byte(c.word)) {
		return nil
	}
	next := &cut{c.word, c.skip - 1, c.at}
	if c.skip == 0 {
		next = nil
	}
	if !p.armed.CompareAndSwap(c, next) || c.skip > 0 {
		return nil
	}
	return c
}

// A link is one connection through the proxy.
type link struct {
	*proxy
	client, server net.Conn
	fate           atomic.Pointer[cut] // what has befallen the statement under way
}

// up passes on what the client asks, message by message.
func (l *link) up() {
	defer l.server.Close()
	var text, rest []byte
	head := 0 // the first message has no type
	for buf := make([]byte, 64<<10); ; {
		n, err := l.client.Read(buf)
		rest = append(rest, buf[:n]...)
		send := 0
		for len(rest) >= send+head+4 {
			size := head + int(binary.BigEndian.Uint32(rest[send+head:]))
			if len(rest) < send+size {
				break
			}
			message := rest[send : send+size]
			if head == 1 && (message[0] == 'P' || message[0] == 'Q') {
				text = bytes.Clone(message)
			}
			if head == 1 && (message[0] == 'E' || message[0] == 'Q') {
				l.fate.CompareAndSwap(nil, l.hit(text))
			}
			send, head = send+size, 1
		}
		fate := l.fate.Load()
		if fate != nil && fate.at == before {
			_ = l.client.Close()
			return
		}
		_, werr := l.server.Write(rest[:send])
		rest = rest[send:]
		if err != nil || werr != nil {
			return
		}
		if fate != nil && fate.at == forwarded {
			_ = l.client.Close()
			return
		}
	}
}

// ready is the server's word that a statement is over, and what it did committed.
var ready = []byte("Z\x00\x00\x00\x05I")

// down passes on what the server answers.
func (l *link) down() {
	defer func() {
		if fate := l.fate.Load(); fate == nil || fate.at != silent {
			_ = l.client.Close()
		}
	}()
	var answer []byte
	for buf := make([]byte, 64<<10); ; {
		n, err := l.server.Read(buf)
		fate := l.fate.Load()
		if fate == nil {
			if _, werr := l.client.Write(buf[:n]); err != nil || werr != nil {
				return
			}
			continue
		}
		answer = append(answer, buf[:n]...)
		if over := bytes.HasSuffix(answer, ready); over && fate.at == half {
			_, _ = l.client.Write(answer[:len(answer)/2])
			return
		} else if err != nil || over && fate.at != silent {
			return
		}
	}
}
