package reports_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// refusing is a server of HTTP/2 that says of every stream that it was refused
// before it was looked at, and a transport that trusts it.
func refusing(t *testing.T) (url string, requests *atomic.Int32, base *http.Transport) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	t.Cleanup(s.Close)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: s.TLS.Certificates, NextProtos: []string{"h2"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	requests = new(atomic.Int32)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go refuseStreams(conn, requests)
		}
	}()
	base = s.Client().Transport.(*http.Transport).Clone()
	base.ForceAttemptHTTP2 = true
	t.Cleanup(base.CloseIdleConnections)
	return "https://" + l.Addr().String(), requests, base
}

func refuseStreams(conn net.Conn, requests *atomic.Int32) {
	const headers, reset, settings, refused = 1, 3, 4, 7
	defer conn.Close()
	frame := func(kind, flags byte, stream uint32, payload ...byte) {
		head := []byte{0, 0, byte(len(payload)), kind, flags}
		_, _ = conn.Write(append(binary.BigEndian.AppendUint32(head, stream), payload...))
	}
	if _, err := io.ReadFull(conn, make([]byte, 24)); err != nil { // the preface
		return
	}
	frame(settings, 0, 0)
	for {
		var head [9]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(conn, payload); err != nil {
			return
		}
		switch {
		case head[3] == settings && head[4] == 0:
			frame(settings, 1, 0)
		case head[3] == headers:
			requests.Add(1)
			frame(reset, 0, binary.BigEndian.Uint32(head[5:]), 0, 0, 0, refused)
		}
	}
}

// Over HTTP/2 net/http sends a request that has no body again as often as the
// server refuses the stream: an attempt of ours is one send all the same.
func TestAnAttemptIsOneSendOverHTTP2(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		url, requests, base := refusing(t)
		req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		require.NoError(t, err)
		_, err = through(t, retrier(t, nil), base).Do(once(req))
		require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
		require.EqualValues(t, 1, requests.Load(), method)
	}
}

func TestACallOfTheNexpayClientIsOneSendOverHTTP2(t *testing.T) {
	url, requests, base := refusing(t)
	signer, err := nexpay.NewSigner(nexpay.Credentials{Key: "k", Secret: "s"})
	require.NoError(t, err)
	client := &nexpay.Client{BaseURL: url, Signer: signer, HTTP: &http.Client{Transport: base}}
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Policies: quick(t), Nonces: lane})
	require.NoError(t, err)
	err = retry.Do(t.Context(), r, func(ctx context.Context) error {
		req, err := client.NewRequest(ctx, http.MethodPost, "/api/1/eurowallet/ping", nil)
		require.NoError(t, err)
		return client.Do(req, nil)
	})
	require.EqualValues(t, told(t, err).Attempts, requests.Load())
}
