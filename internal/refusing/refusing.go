// Package refusing is a server for tests that speaks just enough HTTP/2 to process
// nothing.
package refusing

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// A Server answers every request by saying that it did nothing with it.
type Server struct {
	*httptest.Server
	Streams atomic.Int32 // requests that came
}

// Streams starts a server that refuses each stream, by RST_STREAM.
func Streams(t testing.TB) *Server {
	return start(t, refuse)
}

func refuse(conn io.Writer, stream []byte) (more bool) {
	const rst, refusedStream = 3, 7
	frame := append([]byte{0, 0, 4, rst, 0}, stream...)
	_, _ = conn.Write(binary.BigEndian.AppendUint32(frame, refusedStream))
	return true
}

// HalfWay starts a server that begins to answer with 200, and then refuses the stream.
func HalfWay(t testing.TB) *Server {
	return start(t, func(conn io.Writer, stream []byte) bool {
		const headers, endHeaders, status200 = 1, 4, 0x88
		_, _ = conn.Write(append(append([]byte{0, 0, 1, headers, endHeaders}, stream...), status200))
		return refuse(conn, stream)
	})
}

// GoesAway starts a server that goes away at each request, before it came to that.
func GoesAway(t testing.TB) *Server {
	return start(t, func(conn io.Writer, _ []byte) bool {
		const goAway = 7
		_, _ = conn.Write([]byte{0, 0, 8, goAway, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
		return false
	})
}

// Plain starts a server that refuses each stream, and speaks HTTP/2 without TLS.
func Plain(t testing.TB) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Server: &httptest.Server{URL: "http://" + listener.Addr().String()}}
	var all sync.WaitGroup
	over := make(chan struct{})
	t.Cleanup(func() {
		close(over)
		_ = listener.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.serve(conn, refuse) })
			all.Go(func() {
				<-over
				_ = conn.Close()
			})
		}
	})
	return s
}

func start(t testing.TB, answer func(conn io.Writer, stream []byte) (more bool)) *Server {
	t.Helper()
	s := &Server{Server: httptest.NewUnstartedServer(nil)}
	s.EnableHTTP2 = true
	s.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
		"h2": func(_ *http.Server, conn *tls.Conn, _ http.Handler) { s.serve(conn, answer) },
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *Server) serve(conn io.ReadWriter, answer func(conn io.Writer, stream []byte) bool) {
	const headers, settings = 1, 4
	if _, err := io.ReadFull(conn, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	_, _ = conn.Write([]byte{0, 0, 0, settings, 0, 0, 0, 0, 0})
	for head := make([]byte, 9); ; {
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, conn, int64(head[0])<<16|int64(head[1])<<8|int64(head[2]))
		switch {
		case head[3] == settings && head[4] == 0:
			_, _ = conn.Write([]byte{0, 0, 0, settings, 1, 0, 0, 0, 0})
		case head[3] == headers:
			s.Streams.Add(1)
			if !answer(conn, head[5:9]) {
				_, _ = io.Copy(io.Discard, conn)
				return
			}
		}
	}
}
