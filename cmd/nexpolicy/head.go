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
	// A status line begins a line, or stands right behind the body of an answer that
	// did not end its last line.
	statusLine = regexp.MustCompile(`(?m)(?:^[< ]*|[}\]>])(HTTP/[0-9.]+ ([1-5][0-9][0-9]))\b`)
	endOfHead  = regexp.MustCompile(`\n\r?\n|\n\s*[{\[]|\n *HTTP/[0-9.]+ [1-5][0-9][0-9]\b`)

	// Behind a status line stands nothing, a header, an empty line or a body.
	followed = regexp.MustCompile(`^[^\n]*(?:\{|\n[!-9;-~]+:|\n\s*[{\[]|\n\r?\n|\n?$)`)
)

// lastAnswer finds the answer that counts in what curl -i, -v, -L or --retry prints.
// Before it may stand 100 Continue, what a proxy says to CONNECT, redirects, and
// answers with bodies that were followed by another attempt. Without a status line the
// status is 0; without anything like JSON the body is nil.
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

// behind is what follows a body in JSON, whose texts may read like a head; or all of
// another body.
func behind(rest []byte) []byte {
	if start := bytes.TrimLeft(rest, " \t\r\n"); len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		decoder := json.NewDecoder(bytes.NewReader(start))
		if decoder.Decode(new(json.RawMessage)) == nil {
			return start[decoder.InputOffset():]
		}
	}
	return rest
}

// next finds the status line of a further answer, which stands behind a head or a
// body: pages of errors quote others.
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

// begins reports whether a further answer may begin behind this: behind an empty
// line, or a body that is complete.
func begins(before []byte) bool {
	end := bytes.TrimRight(before, " \t\r\n")
	return len(end) == 0 || bytes.Count(before[len(end):], []byte("\n")) > 1 || bytes.IndexByte([]byte("}]>"), end[len(end)-1]) >= 0
}

// splitHead cuts behind the headers, which may have braces in their values.
func splitHead(text []byte) (head, rest []byte) {
	end := endOfHead.FindIndex(text)
	if end == nil {
		return text, nil
	}
	return text[:end[0]], text[end[0]:]
}

// list begins a body that is a list of objects or words.
var list = regexp.MustCompile(`^\s*\[\s*[{"]`)

// object begins where an object in JSON may, or a list that the text begins with; nil
// if none does.
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
