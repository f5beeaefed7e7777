package main

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A store is a proxy of a server. The server can be stopped, and its connections can be
// cut.
type store struct {
	address        string
	pause, resume  func() error
	network, where string

	mu    sync.Mutex // guards what follows
	cut   bool
	conns map[net.Conn]bool
}

// openStore puts a proxy in front of a server.
func openStore(t *testing.T, socket string, pause, resume func() error) *store {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &store{
		address: listener.Addr().String(), pause: pause, resume: resume, network: "unix", where: socket, conns: map[net.Conn]bool{},
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			done.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		s.setCut(true)
		done.Wait()
	})
	return s
}

func (s *store) serve(client net.Conn) {
	defer client.Close()
	if !s.join(client) {
		return
	}
	defer s.leave(client)
	server, err := net.Dial(s.network, s.where)
	if err != nil {
		return
	}
	defer server.Close()
	if !s.join(server) {
		return
	}
	defer s.leave(server)
	up := make(chan struct{})
	go func() {
		defer close(up)
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
	_ = client.Close()
	<-up
}

// join registers a connection. It returns false if connections are cut.
func (s *store) join(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.cut {
		s.conns[c] = true
	}
	return !s.cut
}

func (s *store) leave(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

func (s *store) setCut(cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = cut
	for c := range s.conns {
		if cut {
			_ = c.Close()
		}
	}
}

// trouble makes the store unreachable for a while: stopped, or with its connections cut.
func (s *store) trouble(t *testing.T, cut bool, d time.Duration) {
	if cut {
		s.setCut(true)
		time.Sleep(d)
		s.setCut(false)
		return
	}
	assert.NoError(t, s.pause())
	time.Sleep(d)
	assert.NoError(t, s.resume())
}
