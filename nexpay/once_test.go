package nexpay_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
)

// Over HTTP/2, net/http sends a request with GetBody again by itself after
// REFUSED_STREAM or GOAWAY, same nonce and all. So what goes out has none, and
// the caller's request keeps its own.
func TestBodyGoesOutOnce(t *testing.T) {
	var sent []byte
	c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		require.Nil(t, req.GetBody)
		require.Equal(t, "identity", req.Header.Get("Accept-Encoding"), "or a bound on what is read is none on what is sent")
		sent, _ = io.ReadAll(req.Body)
		return reply(200, "")(req)
	}))
	req, err := c.NewRequest(withNonce(t.Context(), 7), http.MethodPost, "/x", nexpay.Form{{Name: "amount", Value: "17"}})
	require.NoError(t, err)
	require.NoError(t, c.Do(req, nil))
	require.Equal(t, "amount=17", string(sent))
	require.NotNil(t, req.GetBody)

	// And the same request can be sent again, with another nonce.
	require.NoError(t, c.Do(req.WithContext(withNonce(t.Context(), 8)), nil))
	require.Equal(t, "amount=17", string(sent))
}

// An attempt's timeout keeps its own text: it is no deadline of the caller's.
func TestTextOfATimeout(t *testing.T) {
	c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) { return nil, context.Cause(req.Context()) }))
	ctx, cancel := context.WithCancelCause(withNonce(t.Context(), 7))
	cancel(timedOut{})
	_, err := c.AccountStatus(ctx)
	require.ErrorContains(t, err, "no answer within 10s")
	require.ErrorIs(t, err, timedOut{})
}

type timedOut struct{}

func (timedOut) Error() string     { return "no answer within 10s" }
func (timedOut) SafeError() string { return "no answer within 10s" }

// A dial that failed after the request was written proves nothing: net/http has
// tried again by itself.
func TestDialAfterTheRequestWasWritten(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for _, written := range []bool{false, true} {
		c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			if written {
				httptrace.ContextClientTrace(req.Context()).WroteHeaders()
			}
			return nil, refused
		}))
		_, err := c.AccountStatus(withNonce(t.Context(), 7))
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		v := classify.Nexpay().Classify(err)
		require.Equal(t, classify.Retryable, v.Class)
		require.Equal(t, written, v.Effect == classify.Unknown)
	}
}

// The same with a real server, which takes the second request on a kept-alive
// connection, hangs up, and is gone.
func TestReplayToAServerThatIsGone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan int)
	go func() {
		taken := 0
		defer func() { done <- taken }()
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		defer l.Close()
		in := bufio.NewReader(conn)
		for ; taken < 2; taken++ {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			if taken == 0 {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
			}
		}
	}()
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	c := &nexpay.Client{BaseURL: "http://" + l.Addr().String(), Signer: signer(t, golden), HTTP: &http.Client{Transport: transport}}
	_, err = c.AccountStatus(withNonce(t.Context(), 7))
	require.NoError(t, err)
	_, err = c.AccountStatus(withNonce(t.Context(), 8))
	require.Error(t, err)
	require.Equal(t, 2, <-done, "the server has had the request")
	require.Equal(t, classify.Unknown, classify.Nexpay().Classify(err).Effect)
}

// Whatever a server echoes of key, signature and parameters is blotted out of
// what gets printed.
func TestEchoesAreBlottedOut(t *testing.T) {
	c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		key, signature := req.Header.Get("X-API-KEY"), req.Header.Get("X-Signature")
		body, _ := io.ReadAll(req.Body)
		return reply(403, `{"errors":[{"code":70,"message":"Wrong signature `+signature+` for `+key+` and `+string(body)+`, iban LT12 1000","data":"LT12 1000"}],`+
			`"traceId":"`+key+`/`+signature[:64]+`"}`)(req)
	}))
	req, err := c.NewRequest(withNonce(t.Context(), 7), http.MethodPost, "/x", nexpay.Form{{Name: "beneficiaryAccount", Value: "LT12 1000"}, {Name: "n", Value: "1"}})
	require.NoError(t, err)
	err = c.Do(req, nil)
	for _, secret := range []string{req.Header.Get("X-API-KEY"), req.Header.Get("X-Signature"), "LT12"} {
		require.NotContains(t, err.Error(), secret)
	}
	e, ok := errors.AsType[*classify.Error](err)
	require.True(t, ok)
	require.Equal(t, "[…]/[…]", e.TraceID)
	require.Equal(t, "Wrong signature […] for […] and beneficiaryAccount=[…]&n=1, iban […]", e.Details[0].Message)
	require.Equal(t, "LT12 1000", e.Details[0].Data, "the program may need it; it is never printed")
}

func TestEchoesThatAreHardToSee(t *testing.T) {
	for _, tt := range []struct {
		name          string
		fields        nexpay.Form
		message, want string
	}{
		{"one value holds another", nexpay.Form{{Name: "id", Value: "order-17"}, {Name: "text", Value: "order-17 for John Smith"}},
			"bad text order-17 for John Smith", "bad text […]"},
		{"cut by the bound on messages", nexpay.Form{{Name: "text", Value: strings.Repeat("secret ", 50)}},
			"bad note " + strings.Repeat("secret ", 50), "bad note […]"},
		{"cleaned of line ends", nexpay.Form{{Name: "text", Value: "Hidden Street 1\nSecretville"}},
			"bad text Hidden Street 1\\nSecretville", "bad text […]"},
		{"short words are no echoes", nexpay.Form{{Name: "a", Value: "Invalid"}, {Name: "b", Value: "payment"}},
			"Invalid payment", "Invalid payment"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := client(t, reply(400, `{"errors":[{"code":30010,"message":"`+tt.message+`"}]}`))
			req, err := c.NewRequest(withNonce(t.Context(), 7), http.MethodPost, "/x", tt.fields)
			require.NoError(t, err)
			e, ok := errors.AsType[*classify.Error](c.Do(req, nil))
			require.True(t, ok)
			require.Equal(t, tt.want, e.Details[0].Message)
		})
	}
}
