package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const locked = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n\r\n{\"errors\":[{\"code\":100,\"message\":\"API key locked\"}],\"traceId\":\"5f2c\"}\r\n"

// Of several heads the last one is the answer's.
func TestPastedWithSeveralHeads(t *testing.T) {
	const wants, gone, busy = "trace 5f2c\n100 API key locked, HTTP 403\n", "HTTP 410\n", "-32603 Internal error, HTTP 503\n"
	internal := "{\"errors\":[{\"code\":-32603}]}"
	for name, tt := range map[string]struct{ in, first string }{
		"alone":                          {locked, wants},
		"behind a 100":                   {"HTTP/1.1 100 Continue\r\n\r\n" + locked, wants},
		"behind two, without returns":    {strings.ReplaceAll("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"+locked, "\r", ""), wants},
		"behind a proxy's head":          {"HTTP/1.1 200 Connection established\r\n\r\n" + locked, wants},
		"behind a redirect":              {"HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\nHTTP/2 410 \r\n\r\n", gone},
		"behind a redirect with a page":  {"HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n<html>moved</html>HTTP/2 410 \r\n\r\n", gone},
		"behind an answer":               {"HTTP/1.1 503 Busy\r\nRetry-After: 9\r\n\r\n" + internal + "\n" + locked, wants},
		"in the same line":               {"HTTP/1.1 503 Busy\r\nRetry-After: 9\r\n\r\n" + internal + locked, wants},
		"before an answer of another":    {locked + "HTTP/1.1 503 Busy\r\n\r\n" + internal, busy},
		"behind a prompt":                {"$ curl -si https://api.example.com/\n" + locked, wants},
		"braces in a header":             {"HTTP/1.1 503 Busy\r\nNel: {\"success_fraction\":0,\"code\":7}\r\n\r\n" + internal, busy},
		"braces in the head before":      {"HTTP/1.1 100 Continue\r\nNel: {\"a\":0}\r\n\r\n" + locked, wants},
		"braces in a header, no body":    {"HTTP/1.1 410 Gone\r\nNel: {\"code\":50}\r\n", gone},
		"no line between":                {"HTTP/1.1 503 Busy\nX: y\n" + internal, busy},
		"a line of a log":                {"upstream: HTTP/1.1 503 Busy\nHTTP/1.1 503 " + internal, busy},
		"a page that quotes another":     {"HTTP/1.1 410 Gone\r\n\r\nThe server said\nHTTP/1.1 503 Busy\n", gone},
		"as curl -v has it":              {"> POST / HTTP/1.1\n> Expect: 100-continue\n>\n< HTTP/1.1 100 Continue\n< \n} [17 bytes data]\n* upload done\n< HTTP/1.1 403 Forbidden\r\n< Retry-After: 7\r\n< \r\n{ [33 bytes data]\n{\"errors\":[{\"code\":100}]}", "it asks to be left alone for 7s\n100 API key locked, HTTP 403\n"},
		"as curl -v has it, with a page": {"< HTTP/1.1 410 Gone\r\n<\r\n<html>\n<p>gone</p>", gone},
	} {
		t.Run(name, func(t *testing.T) {
			got := on(0, tt.in, "explain", "-")
			require.Empty(t, got.errs)
			require.True(t, strings.HasPrefix(got.out, tt.first), got.out)
		})
	}
	require.Contains(t, on(0, "HTTP/1.1 100 Continue\r\n\r\n"+locked, "explain", "-").out, "not applied")
}

// A paste of nothing but heads takes no longer than another of its length.
func TestPastedHeads(t *testing.T) {
	require.True(t, strings.HasPrefix(on(0, strings.Repeat("HTTP/1.1 410 \n\n", 60_000), "explain", "-").out, "HTTP 410\n"))
}
