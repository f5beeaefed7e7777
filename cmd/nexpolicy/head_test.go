package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
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
		"as curl -v has it":              {"> POST / HTTP/1.1\n> Expect: 100-continue\n>\n< HTTP/1.1 100 Continue\n< \n} [17 bytes data]\n* upload done\n< HTTP/1.1 403 Forbidden\r\n< Retry-After: 7\r\n< \r\n{ [33 bytes data]\n{\"errors\":[{\"code\":100}]}", "the server asks for a wait of 7s\n100 API key locked, HTTP 403\n"},
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

// What curl prints of one answer, byte for byte.
const (
	headed  = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nNel: {\"success_fraction\":0,\"report_to\":\"cf-nel\",\"code\":7}\r\nReport-To: {\"endpoints\":[{\"url\":\"https://nel.example/report\"}],\"max_age\":604800}\r\nRetry-After: 7\r\n\r\n"
	refused = `{"errors":[{"code":100,"message":"API key locked"}],"traceId":"5f2c"}`
	meter0  = "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0"
	meter1  = "\r100    69  100    69    0     0  12381      0 --:--:-- --:--:-- --:--:-- 13800\n"
)

func TestPastedAsCurlPrints(t *testing.T) {
	pretty := "{\n  \"errors\": [\n    {\n      \"code\": 100,\n      \"message\": \"API key locked\"\n    }\n  ],\n  \"traceId\": \"5f2c\"\n}\n"
	verbose := strings.ReplaceAll(strings.TrimSuffix(headed, "\r\n"), "\r\nNel", "\r\n< Nel")
	verbose = "< " + strings.ReplaceAll(strings.NewReplacer("\r\nContent", "\r\n< Content", "\r\nReport", "\r\n< Report", "\r\nRetry", "\r\n< Retry").Replace(verbose), "\r\n\r\n", "\r\n") + "< \r\n"
	asked := "*   Trying 127.0.0.1:8080...\n* Connected to api.example (127.0.0.1) port 8080 (#0)\n> GET /x HTTP/1.1\r\n> Host: api.example\r\n> Accept: */*\r\n> \r\n"
	left := "* Connection #0 to host api.example left intact\n"
	moved := "< HTTP/1.1 301 Moved Permanently\r\n< Location: /x\r\n< Nel: {\"code\":7}\r\n< \r\n"
	for name, in := range map[string]string{
		"-i":                      headed + refused,
		"-i, newlines alone":      strings.ReplaceAll(headed+refused, "\r", ""),
		"-i, formatted":           headed + pretty,
		"HTTP/2":                  strings.Replace(headed, "HTTP/1.1 403 Forbidden", "HTTP/2 403 ", 1) + refused,
		"HTTP/3":                  strings.Replace(headed, "HTTP/1.1 403 Forbidden", "HTTP/3 403 ", 1) + refused,
		"-i with the meter":       meter0 + meter1 + headed + refused,
		"-i with the bar":         "\r#=#=#                     \r\r##################################### 100.0%" + headed + refused,
		"-sv":                     asked + verbose + "{ [69 bytes data]\n" + left + refused,
		"-sv, body before":        asked + verbose + refused + left,
		"-sv, formatted":          asked + verbose + pretty + left,
		"-v":                      meter0 + asked + verbose + "{ [69 bytes data]\n" + meter1 + left + refused,
		"-siv":                    asked + verbose + "{ [69 bytes data]\n" + left + headed + refused,
		"-iv":                     meter0 + asked + verbose + "{ [69 bytes data]\n" + meter1 + left + headed + refused,
		"-Lv":                     meter0 + asked + moved + "\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0\n" + left + asked + verbose + "{ [69 bytes data]\n" + meter1 + left + refused,
		"103 before":              "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nNel: {\"code\":7}\r\n\r\n" + headed + refused,
		"-v with 100":             asked + "< HTTP/1.1 100 Continue\r\n< \r\n} [3 bytes data]\n* We are completely uploaded and fine\n" + verbose + refused,
		"no line between heads":   "HTTP/1.1 100 Continue\r\n" + headed + refused,
		"a text that reads alike": "HTTP/1.1 502 Bad\r\n\r\n{\"errors\":[{\"code\":-32603,\"message\":\"}HTTP/1.1 200 OK\"}]}" + headed + refused,
	} {
		t.Run(name, func(t *testing.T) {
			got := on(0, in, "explain", "-")
			require.Empty(t, got.errs)
			require.True(t, strings.HasPrefix(got.out, "trace 5f2c\nthe server asks for a wait of 7s\n100 API key locked, HTTP 403\n"), got.out)
			require.Contains(t, got.out, "effect not applied")
		})
	}
	quoted := on(0, headed+"{\"errors\":[{\"code\":100,\"message\":\"}HTTP/1.1 500 x\"}]}", "explain", "-").out
	require.Contains(t, quoted, "100 API key locked, HTTP 403\n", "what a text quotes is no answer")
}

// Whatever answers are printed in whatever way: what is read back is the last of them.
func TestPastedReadsWhatWasPrinted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := printer{
			verbose: rapid.Bool().Draw(t, "-v"), include: rapid.Bool().Draw(t, "-i"), meter: rapid.Bool().Draw(t, "meter"),
			end: rapid.SampledFrom([]string{"\r\n", "\n"}).Draw(t, "end of line"), version: rapid.SampledFrom([]string{"1.0", "1.1", "2", "3"}).Draw(t, "version"),
		}
		w.include = w.include || !w.verbose
		for range rapid.IntRange(0, 3).Draw(t, "answers before") {
			w.print(t, rapid.SampledFrom([]int{100, 103, 200, 301, 403, 429, 503}).Draw(t, "status"), rapid.IntRange(1, 9).Draw(t, "code"), 0)
		}
		status, code := rapid.IntRange(200, 599).Draw(t, "status"), rapid.SampledFrom([]int{0, 1, 40, -32603, 99999}).Draw(t, "code")
		if status == 301 {
			code = 0 // as those before, it has no body
		}
		seconds := rapid.SampledFrom([]int{0, 1, 7, 120}).Draw(t, "Retry-After")
		w.print(t, status, code, seconds)

		e := pastedAnswer([]byte(w.String()), classify.Nexpay())
		require.NotNil(t, e)
		require.Equal(t, status, e.Status, "%q", w.String())
		require.Equal(t, time.Duration(seconds)*time.Second, e.RetryAfter, "%q", w.String())
		if code == 0 {
			require.Empty(t, e.Details, "%q", w.String())
			return
		}
		require.Len(t, e.Details, 1, "%q", w.String())
		require.Equal(t, classify.Code(strconv.Itoa(code)), e.Details[0].Code, "%q", w.String())
		require.Equal(t, "5f2c", e.TraceID)
		require.True(t, e.Complete(), "%q", w.String())
	})
}

// A printer prints answers as curl does, to a terminal or into a file.
type printer struct {
	strings.Builder
	verbose, include, meter bool
	end, version            string
}

var headers = rapid.SliceOf(rapid.SampledFrom([]string{
	"Content-Type: application/json", `Nel: {"success_fraction":0,"code":8}`, `report-to: {"endpoints":[{"url":"https://x"}],"errors":[{"code":9}]}`,
	"Server: x", "Location: https://x/{id}", "Date: Sat, 28 Nov 2026 01:16:09 GMT", "Via: HTTP/1.1 503 x", "X-Empty:", "Link: </a>; rel=[x]",
}))

func (w *printer) print(t *rapid.T, status, code, seconds int) {
	lines := append([]string{fmt.Sprintf("HTTP/%s %d ", w.version, status)}, headers.Draw(t, "headers")...)
	if seconds > 0 {
		lines = slices.Insert(lines, rapid.IntRange(1, len(lines)).Draw(t, "place"), fmt.Sprintf("Retry-After: %d", seconds))
	}
	if w.meter && w.Len() == 0 {
		w.WriteString(meter0)
	}
	if w.verbose {
		w.WriteString("*   Trying 127.0.0.1:8080...\n> POST / HTTP/1.1" + w.end + "> Expect: 100-continue" + w.end + "> " + w.end)
		for _, line := range append(lines, "") {
			w.WriteString("< " + line + w.end)
		}
		w.WriteString("{ [69 bytes data]\n")
	}
	if w.meter {
		w.WriteString(meter1)
	}
	if w.verbose {
		w.WriteString("* Connection #0 to host x left intact\n")
	}
	if w.include {
		w.WriteString(strings.Join(append(lines, "", ""), w.end))
	}
	body := fmt.Sprintf(`{"errors":[{"code":%d,"message":%s}],"traceId":"5f2c"}`, code, rapid.SampledFrom([]string{`"x"`, `"}HTTP/1.1 500 x"`, `"{ [7 bytes data]"`, `"< HTTP/2 500"`}).Draw(t, "message"))
	switch {
	case status < 200 || status == 301:
		return
	case code == 0:
		body = rapid.SampledFrom([]string{"", "<html>gone</html>", "<p>\nHTTP/1.1 503 x\n</p>", "upstream down\n\n"}).Draw(t, "page")
	case rapid.Bool().Draw(t, "formatted"):
		var b bytes.Buffer
		require.NoError(t, json.Indent(&b, []byte(body), "", "  "))
		body = b.String()
	}
	w.WriteString(body + rapid.SampledFrom([]string{"", "\n"}).Draw(t, "last newline"))
}

// FuzzLastAnswer lets anything be pasted before an answer that stands by itself: the reader does not panic, and finds it.
func FuzzLastAnswer(f *testing.F) {
	f.Add([]byte(headed + refused))
	f.Add([]byte(meter0 + meter1 + "< HTTP/2 503 \n< x: {\n<\n{ [7 bytes data]\n[[[{\"a\":"))
	f.Add([]byte("HTTP/1.1 100 Continue\n\n{\"a\":\"}HTTP/1.1 200 OK\"}\r\r#=#  1.0%"))
	f.Fuzz(func(t *testing.T, before []byte) {
		lastAnswer(before)
		if bytes.ContainsAny(before, "{[\"'") { // of which a body may not have ended
			return
		}
		status, header, body := lastAnswer(append(before, "\n\n\n"+headed+refused...))
		if status != 403 || header.Get("Retry-After") != "7" || string(body) != refused {
			t.Fatalf("%d %v %q", status, header, body)
		}
	})
}
