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
// returns its URL, a [nexpay.Client]'s BaseURL. A bank may be started more than
// once, for more URLs. It returns net.ErrClosed after Close.
func (b *Bank) Start() (url string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{
		Handler:           b.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // it complains about connections the faults break
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
// connection off it takes it over or panics with [http.ErrAbortHandler], which
// a server understands and an httptest.ResponseRecorder does not.
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

// enter counts a handler in, unless the bank has closed.
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
	_, _ = w.Write(sent) // a client that is gone needs no answer
	if len(sent) < promised {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// reset closes the connection such that the client is told of a reset.
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
