package retryhttp_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// Whatever bytes a server sends on the connection of a payment: it is sent once, and only a plain confirmation is a success, and only
// a plain refusal a failure. Both are read here with encoding/json, in another way than by the library.
func FuzzOnce(f *testing.F) {
	const ok, refused = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 403 no\r\nContent-Length: 24\r\n\r\n{\"errors\":[{\"code\":100}]}"
	for _, answer := range []string{
		ok, refused, ok + ok, refused + ok, "HTTP/1.1 100 Continue\r\n\r\n" + ok, "HTTP/1.1 103 x\r\nLink: x\r\n\r\n" + refused,
		strings.Repeat("HTTP/1.1 102 x\r\n\r\n", 6) + ok, "HTTP/1.0 200 OK\r\n\r\n{}", "HTTP/1.1 400 x\r\n\r\n{\"errors\":[{\"code\":30010}]}",
		"HTTP/1.1 400 x\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\n{\"errors\":[{\"code\":30010}]}\r\n0\r\n\r\n",
		"HTTP/1.1 400 x\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\n{\"errors\":[{\"code\":30010}]}\r\n",
		"HTTP/1.1 200 x\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 202 x\r\nContent-Length: 14\r\n\r\n{\"error\":\"no\"}",
		"HTTP/1.1 403 no\r\nContent-Length: 37\r\n\r\n{\"errors\":[{\"code\":100},{\"code\":-1}]}", "HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
		"HTTP/1.1 204 x\r\n\r\n", "HTTP/1.1 400 x\r\nContent-Length: 25\r\n\r\n{\"errors\":[{\"code\":50}]} ", "HTTP/1.1 421 x\r\n\r\n", "HTTP/1.1 307 x\r\nLocation: /\r\n\r\n", "",
	} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		sends := 0
		tr := &http.Transport{DisableKeepAlives: true, DisableCompression: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				if req, err := http.ReadRequest(bufio.NewReader(server)); err == nil {
					_, _ = io.Copy(io.Discard, req.Body)
					sends++
					_, _ = server.Write(raw)
				}
			}()
			return client, nil
		}}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "POST", "http://bank.example/", strings.NewReader("{}"))
		require.NoError(t, err)
		resp, err := (&retryhttp.Transport{Base: tr, Retrier: quick(t, retry.Config{})}).RoundTrip(retryhttp.Once(req, "inv-7", nil))
		require.Equal(t, 1, sends)
		status, body, whole := final(raw)
		switch {
		case err == nil:
			_ = resp.Body.Close()
			require.True(t, whole && status/100 == 2 && confirms(body), "%q was taken for a confirmation", raw)
		case !errors.Is(err, retry.ErrOutcomeUnknown):
			require.True(t, whole && status/100 == 4 && refuses(body), "%q was taken for a refusal: %v", raw, err)
		}
	})
}

// final returns the last answer to a POST.
func final(raw []byte) (status int, body []byte, whole bool) {
	r := bufio.NewReader(bytes.NewReader(raw))
	for {
		resp, err := http.ReadResponse(r, &http.Request{Method: "POST"})
		if err != nil {
			return 0, nil, false
		}
		if resp.StatusCode/100 == 1 && resp.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		body, err = io.ReadAll(resp.Body)
		return resp.StatusCode, bytes.TrimPrefix(body, []byte("\ufeff")), err == nil
	}
}

func confirms(body []byte) bool {
	var v any
	switch err := json.Unmarshal(body, &v); {
	case len(bytes.TrimSpace(body)) == 0:
		return true
	case err != nil:
		return false
	}
	o, ok := v.(map[string]any)
	return !ok || empty(o["errors"]) && empty(o["error"])
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case float64:
		return v == 0
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// refuses reports whether every error has a code that proves that nothing happened, and none asks for another nonce.
func refuses(body []byte) bool {
	var answer struct {
		Errors []struct{ Code any }
	}
	if json.Unmarshal(body, &answer) != nil || len(answer.Errors) == 0 {
		return false
	}
	for _, e := range answer.Errors {
		var code string
		switch v := e.Code.(type) {
		case string:
			code = v
		case float64:
			text, _ := json.Marshal(v)
			code = string(text)
		}
		rule, known := classify.Nexpay().Lookup(classify.Code(code))
		if !known || rule.Effect != classify.NotApplied || rule.Class == classify.Resync {
			return false
		}
	}
	return true
}
