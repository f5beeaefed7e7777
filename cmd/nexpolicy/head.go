package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
)

var (
	// A status line is at the beginning of a line, or directly after a body that has no
	// newline at its end.
	statusLine = regexp.MustCompile(`(?m)(?:^[< ]*|[}\]>])(HTTP/[0-9.]+ ([1-5][0-9][0-9]))\b`)
	endOfHead  = regexp.MustCompile(`\n\r?\n|\n\s*[{\[]|\n *HTTP/[0-9.]+ [1-5][0-9][0-9]\b`)

	// A status line is followed by nothing, a header, an empty line or a body.
	followed = regexp.MustCompile(`^[^\n]*(?:\{|\n[!-9;-~]+:|\n\s*[{\[]|\n\r?\n|\n?$)`)
)

// lastAnswer returns the answer that counts in the output of curl -i, -v, -L or --retry.
// Before it there may be 100 Continue, a proxy's answer to CONNECT, redirects, and
// answers of earlier attempts. Without a status line the status is 0. Without anything
// like JSON the body is nil.
func lastAnswer(pasted []byte) (status int, header http.Header, body []byte) {
	rest := bare(pasted)
	var head, behindHead []byte = nil, rest
	for at := statusLine.FindSubmatchIndex(rest); at != nil; at = next(rest) {
		status, _ = strconv.Atoi(string(rest[at[4]:at[5]]))
		rest = rest[at[1]:]
		reason, _, _ := bytes.Cut(rest, []byte("\n"))
		if object(reason) != nil { // a line of a log
			head, rest = nil, object(rest)
		} else {
			head, rest = splitHead(rest[len(reason):])
		}
		behindHead = rest
		rest = behind(rest)
	}
	return status, readHeader(head), object(behindHead)
}

// behind returns what follows a JSON body, whose strings may look like headers, or all of
// any other body.
func behind(rest []byte) []byte {
	if start := bytes.TrimLeft(rest, " \t\r\n"); len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		decoder := json.NewDecoder(bytes.NewReader(start))
		if decoder.Decode(new(json.RawMessage)) == nil {
			return start[decoder.InputOffset():]
		}
	}
	return rest
}

// next returns the status line of a further answer, which follows headers or a body.
// Error pages may quote other status lines.
func next(rest []byte) []int {
	for from := 0; ; {
		at := statusLine.FindSubmatchIndex(rest[from:])
		if at == nil {
			return nil
		}
		for i := range at {
			at[i] += from
		}
		if begins(rest[:at[2]]) && followed.Match(rest[at[1]:]) {
			return at
		}
		from = at[1]
	}
}

// begins reports whether a further answer may begin after this text: after an empty line,
// or after a complete body.
func begins(before []byte) bool {
	end := bytes.TrimRight(before, " \t\r\n")
	return len(end) == 0 || bytes.Count(before[len(end):], []byte("\n")) > 1 || bytes.IndexByte([]byte("}]>"), end[len(end)-1]) >= 0
}

// splitHead splits after the headers, whose values may have braces.
func splitHead(text []byte) (head, rest []byte) {
	end := endOfHead.FindIndex(text)
	if end == nil {
		return text, nil
	}
	return text[:end[0]], text[end[0]:]
}

// list matches a body that is a list of objects or words.
var list = regexp.MustCompile(`^\s*\[\s*[{"]`)

// object returns the text from where a JSON object may begin, or a list at the beginning
// of the text, or nil.
func object(text []byte) []byte {
	if list.Match(text) && json.NewDecoder(bytes.NewReader(text)).Decode(new(json.RawMessage)) == nil {
		return text
	}
	if at := bytes.IndexByte(text, '{'); at >= 0 {
		return text[at:]
	}
	return nil
}

// readHeader reads as many lines as are headers.
func readHeader(head []byte) http.Header {
	text := io.MultiReader(bytes.NewReader(bytes.Trim(head, "\r\n")), strings.NewReader("\r\n\r\n"))
	header, _ := textproto.NewReader(bufio.NewReader(text)).ReadMIMEHeader()
	return http.Header(header)
}
