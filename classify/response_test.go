package classify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

// A body counts what is read of it, and knows whether it was closed.
type body struct {
	io.Reader
	read   int
	closed bool
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

func (b *body) Close() error { b.closed = true; return nil }

func response(status int, text string) *http.Response {
	return &http.Response{StatusCode: status, Body: &body{Reader: strings.NewReader(text)}}
}

func TestFromResponseLeavesA2xxAlone(t *testing.T) {
	resp := response(200, `{"errors":[{"code":100}]}`)
	require.NoError(t, classify.FromResponse(resp))
	require.Zero(t, resp.Body.(*body).read)
	require.False(t, resp.Body.(*body).closed)
}

func TestFromResponse(t *testing.T) {
	resp := response(403, `{"errors":[{"code":50,"message":"Nonce is not monotonous"}],"traceId":"5f2c"}`)
	resp.Header = http.Header{"Retry-After": {"3"}}
	err := classify.FromResponse(resp)
	require.EqualError(t, err, "HTTP 403: 50 Nonce is not monotonous (trace 5f2c)")
	e, ok := errors.AsType[*classify.Error](err)
	require.True(t, ok)
	require.Equal(t, 3*time.Second, e.RetryAfter)
	require.True(t, e.Complete())
	require.True(t, resp.Body.(*body).closed)
}

func TestFromResponseIsBounded(t *testing.T) {
	for _, size := range []int{64<<10 - 1, 64 << 10, 10 << 20} {
		text := `{"errors":[{"code":30010}]}`
		resp := response(400, text+strings.Repeat(" ", size-len(text)))
		e, _ := errors.AsType[*classify.Error](classify.FromResponse(resp))
		require.Equal(t, classify.Code("30010"), e.Details[0].Code)
		require.Equal(t, size < 64<<10, e.Complete(), "%d bytes", size)
		require.Equal(t, min(size, 64<<10), resp.Body.(*body).read)
		require.True(t, resp.Body.(*body).closed)
	}
}

func TestFromResponseOddities(t *testing.T) {
	for _, read := range []func(*http.Response) error{
		classify.FromResponse,
		func(r *http.Response) error { return classify.ReadJSON(r, nil) },
	} {
		require.Equal(t, classify.Verdict{}, classify.Nexpay().Classify(read(nil)))
		require.EqualError(t, read(nil), "no response to read")
		require.EqualError(t, read(&http.Response{StatusCode: 502}), "HTTP 502")
		require.NoError(t, read(&http.Response{StatusCode: 200}))

		broken := response(403, "")
		broken.Body.(*body).Reader = io.MultiReader(strings.NewReader(`{"errors":[{"code":50}]}`), iotest.ErrReader(errors.New("reset")))
		e, _ := errors.AsType[*classify.Error](read(broken))
		require.Equal(t, classify.Code("50"), e.Details[0].Code)
		require.False(t, e.Complete(), "who knows what would have followed")

		upgrade := response(101, "never read: a switched connection does not end with the request")
		require.EqualError(t, read(upgrade), "HTTP 101")
		require.Zero(t, upgrade.Body.(*body).read)
		require.True(t, upgrade.Body.(*body).closed)
	}
}

func TestReadJSON(t *testing.T) {
	type payment struct{ Status string }
	var locked *classify.Error
	for _, tt := range []struct {
		name, text string
		expect     bool // a value
		err        string
	}{
		{"value", `{"status":"PENDING"}`, true, ""},
		{"nothing expected, nothing there", "", false, ""},
		{"nothing expected, blanks", " \r\n", false, ""},
		{"nothing expected, some JSON", `{"status":"x"}`, false, ""},
		{"nothing expected, an array", `[1,2]`, false, ""},
		{"nothing expected, HTML", `<html>secret`, false, "HTTP 200: unreadable answer: not JSON, at offset 1"},
		{"a byte order mark", "\ufeff" + `{"status":"PENDING"}`, true, ""},
		{"a byte order mark alone", "\ufeff", true, "HTTP 200: answer without a value"},
		{"errors after a byte order mark", "\ufeff" + `{"errors":[{"code":100}]}`, true, "HTTP 200: 100"},
		{"no errors", `{"errors":[],"status":"PENDING"}`, true, ""},
		{"null errors", `{"errors":null,"status":"PENDING"}`, true, ""},
		{"errors", `{"status":"PENDING","errors":[{"code":100,"message":"API key locked"}],"traceId":"t"}`, true, "HTTP 200: 100 API key locked (trace t)"},
		{"errors, nothing expected", `{"errors":[{"code":100}]}`, false, "HTTP 200: 100"},
		{"errors, cut", `{"errors":[{"code":100}],"tr`, true, "HTTP 200: 100"},
		{"errors of an unknown form", `{"errors":"secret"}`, true, "HTTP 200: no code"},
		{"empty", "", true, "HTTP 200: answer without a value"},
		{"blank", "\n", true, "HTTP 200: answer without a value"},
		{"HTML", `<html>secret`, true, "HTTP 200: unreadable answer: not JSON, at offset 1"},
		{"cut", `{"status":"secret`, true, "HTTP 200: unreadable answer: not JSON, at offset 17"},
		{"trailing", `{"status":"PENDING"}secret`, true, "HTTP 200: unreadable answer: not JSON, at offset 21"},
		{"two values", `{"status":"PENDING"}{"errors":[{"code":100}]}`, true, "HTTP 200: unreadable answer: not JSON, at offset 21"},
		{"other type", `{"status":5551234}`, true, `HTTP 200: unreadable answer: value at offset 17 does not fit a string`},
		{"too deep", strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), true, "HTTP 200: unreadable answer: JSON nested too deep"},
		{"an array too deep", strings.Repeat("[", 65) + strings.Repeat("]", 65), false, "HTTP 200: unreadable answer: JSON nested too deep"},
		{"too long", `{"status":"PENDING"}` + strings.Repeat(" ", 4<<20), true, "HTTP 200: unreadable answer: body too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := response(200, tt.text)
			var got payment
			var err error
			if tt.expect {
				err = classify.ReadJSON(resp, &got)
			} else {
				err = classify.ReadJSON(resp, nil)
			}
			require.True(t, resp.Body.(*body).closed)
			require.LessOrEqual(t, resp.Body.(*body).read, 4<<20)
			v := classify.Nexpay().Classify(err)
			switch {
			case tt.err == "":
				require.NoError(t, err)
				require.Equal(t, tt.expect, got.Status == "PENDING")
				return
			case errors.As(err, &locked) && locked.Details[0].Code != "":
				require.Equal(t, classify.Verdict{Class: classify.Fatal, Code: "100", Status: 200, Lockout: true, Rule: "API key locked"}, v)
			default:
				want := classify.Fatal // the next one would be the same
				if tt.name == "cut" || tt.name == "errors of an unknown form" {
					want = classify.Retryable
				}
				require.Equal(t, want, v.Class)
				require.Equal(t, classify.Unknown, v.Effect)
				require.Equal(t, 200, v.Status)
			}
			require.EqualError(t, err, tt.err)
		})
	}

	resp := response(503, "busy")
	resp.Header = http.Header{"Retry-After": {"2"}}
	require.Equal(t, classify.Verdict{Class: classify.Retryable, Status: 503, RetryAfter: 2 * time.Second, Rule: "HTTP 503"},
		classify.Nexpay().Classify(classify.ReadJSON(resp, nil)))
	require.EqualError(t, classify.ReadJSON(response(200, "{}"), payment{}), "HTTP 200: unreadable answer: *json.InvalidUnmarshalError")
}

// The error of a value that does not fit keeps no more of it than can be of use: encoding/json puts in a whole number.
func TestAnErrorKeepsLittleOfANumber(t *testing.T) {
	var v struct{ Amount int }
	err := classify.ReadJSON(response(200, `{"amount":1`+strings.Repeat("0", 1<<20)+`}`), &v)
	var wrong *json.UnmarshalTypeError
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, "number 1"+strings.Repeat("0", 248), wrong.Value)
}

// Over a real connection: a failed answer leaves it fit for the next call.
func TestConnectionIsReused(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(403)
		fmt.Fprint(w, `{"errors":[{"code":50}]}`, strings.Repeat(" ", 40<<10))
	}))
	defer s.Close()
	defer s.Client().CloseIdleConnections()
	reused := 0
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if i.Reused {
			reused++
		}
	}}
	for range 3 {
		req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", s.URL, nil)
		require.NoError(t, err)
		resp, err := s.Client().Do(req)
		require.NoError(t, err)
		require.EqualError(t, classify.FromResponse(resp), "HTTP 403: 50")
	}
	require.Equal(t, 2, reused)
}

// A server that cuts its answer short, of any status.
func TestBodyThatBreaksOff(t *testing.T) {
	for status, want := range map[int]classify.Verdict{
		200: {Class: classify.Retryable, Status: 200, Rule: "unreadable answer"},
		403: {Class: classify.Resync, Code: "50", Status: 403, Rule: "Nonce is not monotonous"},
	} {
		l := listen(t, func(c net.Conn) {
			io.ReadAtLeast(c, make([]byte, 4096), 16)
			fmt.Fprintf(c, "HTTP/1.1 %d X\r\nContent-Length: 900\r\n\r\n{\"status\":[{\"code\":50}],%s", status,
				map[int]string{403: `"errors":[{"code":50},`}[status])
		})
		resp, err := client(t, nil).Get("http://" + l)
		require.NoError(t, err)
		err = classify.ReadJSON(resp, new(any))
		require.Equal(t, want, classify.Nexpay().Classify(err))
		if status == 200 {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.EqualError(t, err, "HTTP 200: unreadable answer: unexpected EOF")
		}
	}
}

// What is said of a connection that ends while a 2xx is read, once its head is in.
func TestReadingBreaksOff(t *testing.T) {
	for want, end := range map[string]func(client, server net.Conn){
		"connection broke off while reading the answer: connection reset by peer": func(_, server net.Conn) { server.(*net.TCPConn).SetLinger(0) },
		"timeout while reading the answer":                                        func(client, server net.Conn) { client.SetReadDeadline(time.Unix(1, 0)); silent(server) },
	} {
		var dialed net.Conn
		over := make(chan func(client, server net.Conn))
		address := listen(t, func(c net.Conn) {
			readRequest(c)
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{")
			end := <-over
			end(dialed, c)
		})
		c := client(t, func(tr *http.Transport) {
			tr.DialContext = func(ctx context.Context, network, address string) (conn net.Conn, err error) {
				dialed, err = new(net.Dialer).DialContext(ctx, network, address)
				return dialed, err
			}
		})
		resp, err := c.Get("http://" + address)
		require.NoError(t, err)
		over <- end
		err = classify.ReadJSON(resp, new(any))
		require.EqualError(t, err, "HTTP 200: unreadable answer: "+want)
		require.Equal(t, classify.Verdict{Class: classify.Retryable, Status: 200, Rule: "unreadable answer"}, classify.Nexpay().Classify(err))
	}
}

func FuzzFromResponse(f *testing.F) {
	f.Add(403, "3", "", []byte(`{"errors":[{"code":50}]}`))
	f.Add(200, "", "", []byte(`{"errors":[{"code":100}]}`))
	f.Add(503, "Sun, 06 Nov 1994 08:50:07 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", []byte(`<html>`))
	f.Add(101, "", "", []byte(``))
	f.Fuzz(func(t *testing.T, status int, after, date string, text []byte) {
		b := &body{Reader: bytes.NewReader(text)}
		resp := &http.Response{StatusCode: status, Body: b, Header: http.Header{"Retry-After": {after}, "Date": {date}}}
		err := classify.FromResponse(resp)
		if status >= 200 && status < 300 {
			require.NoError(t, err)
			require.False(t, b.closed)
			return
		}
		require.True(t, b.closed)
		require.LessOrEqual(t, b.read, 64<<10)
		require.LessOrEqual(t, len(err.Error()), 2000)
		v := classify.Nexpay().Classify(err)
		require.Equal(t, status, v.Status)
		require.GreaterOrEqual(t, v.RetryAfter, time.Duration(0))
		if status >= 200 {
			require.Equal(t, classify.Decode(status, resp.Header, text).Details, err.(*classify.Error).Details)
		}
	})
}
