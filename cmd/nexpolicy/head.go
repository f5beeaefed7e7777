package main

import (
	"bufio"
	"bytes"
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
	endOfHead  = regexp.MustCompile(`\n\r?\n|\n\s*[{\[]`)

	// What curl -v says of the exchange itself, and how it marks heads.
	verbose = regexp.MustCompile(`(?m)^< HTTP/`)
	remarks = regexp.MustCompile(`(?m)^(?:[*>](?: .*)?|[{}] \[[0-9]+ bytes data\])\r?\n?`)
	marks   = regexp.MustCompile(`(?m)^<(?: |(\r?)$)`)
)

// lastAnswer finds the answer that counts in what curl -i, -v, -L or --retry prints.
// Before it may stand 100 Continue, what a proxy says to CONNECT, redirects, and
// answers with bodies that were followed by another attempt. Without a status line the
// status is 0; without anything like JSON the body is nil.
func lastAnswer(pasted []byte) (status int, header http.Header, body []byte) {
	if verbose.Match(pasted) {
		pasted = marks.ReplaceAll(remarks.ReplaceAll(pasted, nil), []byte("$1"))
	}
	var last []int
	for _, at := range statusLine.FindAllSubmatchIndex(pasted, -1) {
		if last == nil || begins(pasted[:at[2]]) {
			last = at
		}
	}
	if last == nil {
		return 0, nil, object(pasted)
	}
	status, _ = strconv.Atoi(string(pasted[last[4]:last[5]]))
	rest := pasted[last[1]:]
	reason, _, _ := bytes.Cut(rest, []byte("\n"))
	if object(reason) != nil { // a line of a log
		return status, nil, object(rest)
	}
	head, rest := splitHead(rest[len(reason):])
	return status, readHeader(head), object(rest)
}

// begins reports whether a further answer may begin behind this: behind a head or a
// body, as pages of errors quote status lines.
func begins(before []byte) bool {
	end := bytes.TrimRight(before, " \t\r\n")
	return bytes.Count(before[len(end):], []byte("\n")) > 1 || len(end) > 0 && bytes.IndexByte([]byte("}]>"), end[len(end)-1]) >= 0
}

// splitHead cuts behind the headers, which may have braces in their values.
func splitHead(text []byte) (head, rest []byte) {
	end := endOfHead.FindIndex(text)
	if end == nil {
		return text, nil
	}
	return text[:end[0]], text[end[0]:]
}

// object begins where an object in JSON may, nil if none does.
func object(text []byte) []byte {
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
