package nexpaytest

import (
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Start serves the bank over HTTP on a free port of 127.0.0.1 until Close, and
// returns its URL for a [nexpay.Client]'s BaseURL. It may be called more than once,
// for more URLs. After Close it returns net.ErrClosed.
func (b *Bank) Start() (url string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{
		Handler:           b.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // it reports connections that faults break
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		_ = listener.Close()
		return "", net.ErrClosed
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // returns when stopped
	}()
	b.stops = append(b.stops, func() {
		_ = server.Close()
		<-served
	})
	return "http://" + listener.Addr().String(), nil
}

// Handler returns the bank as a handler, for a server of your own. To break a
// connection off, it hijacks the connection or panics with [http.ErrAbortHandler]. A
// server handles that; an httptest.ResponseRecorder does not.
func (b *Bank) Handler() http.Handler { return http.HandlerFunc(b.handle) }

func (b *Bank) handle(w http.ResponseWriter, r *http.Request) {
	c, err := newCall(r.Method, r.URL, r.Header, r.Body)
	if err != nil || !b.enter() {
		panic(http.ErrAbortHandler)
	}
	defer b.busy.Done()
	a, err := b.serve(r.Context(), c)
	switch {
	case err == errReset:
		reset(w)
	case err != nil: // the client is gone
		panic(http.ErrAbortHandler)
	default:
		a.write(w, r.Method)
	}
}

// enter counts a request as being served, and reports false if the bank has closed.
func (b *Bank) enter() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.over {
		b.busy.Add(1)
	}
	return !b.over
}

func (a *answer) write(w http.ResponseWriter, method string) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if !a.hasBody(method) {
		w.WriteHeader(a.status)
		return
	}
	promised, sent := a.parts()
	w.Header().Set("Content-Length", strconv.Itoa(promised))
	w.WriteHeader(a.status)
	_, _ = w.Write(sent) // the client may be gone
	if len(sent) < promised {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// reset closes the connection so that the client sees a reset.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2
		panic(http.ErrAbortHandler)
	}
	under := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		under = t.NetConn()
	}
	if tcp, ok := under.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
		conn = tcp
	}
	_ = conn.Close()
}
