package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"github.com/nexpay-go/resilience/classify"
)

// mostPasted is more than any error answer has.
const mostPasted = 1 << 20

var (
	// What errors and events of package retry look like, as text or as fields of a log:
	// HTTP 500: -32603 Internal error (trace 5f2c), or code=-32603 status=500.
	loggedCode   = regexp.MustCompile(`(HTTP [1-5][0-9][0-9]: |(?:\b|_)code(?:"?[=:] ?| ))("(?:[^"\\]|\\.)+"|[^\s",;(){}\[\]]+)`)
	loggedStatus = regexp.MustCompile(`(?:HTTP |\bstatus"?[=: ]+"?)([1-5][0-9][0-9])\b`)
	loggedTrace  = regexp.MustCompile(`\btrace"?[=: ]+"?([\w.:/+=-]{1,128})`)
)

// readAnswer makes an error of the pasted text: a JSON body with what precedes it, a line
// from a log, or a code alone. A given status wins over one in the text.
func readAnswer(in io.Reader, catalog *classify.Catalog, status int) (*classify.Error, error) {
	pasted, err := io.ReadAll(io.LimitReader(in, mostPasted+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("standard input: %w", err)
	case len(pasted) > mostPasted:
		return nil, errors.New("standard input has more than 1 MiB: paste only the answer")
	case len(bytes.TrimSpace(pasted)) == 0:
		return nil, errors.New("standard input is empty: paste an answer, or a line from a log")
	}
	e := pastedAnswer(pasted, catalog)
	if e == nil {
		return nil, errors.New("no answer in JSON and no line with an HTTP status on standard input")
	}
	if status != 0 {
		e.Status = status
	}
	return e, nil
}

func pastedAnswer(pasted []byte, catalog *classify.Catalog) *classify.Error {
	if code := classify.Code(bytes.TrimSpace(pasted)); numberOf(code) != nil || known(catalog, code) {
		return coded(code)
	}
	status, header, body := lastAnswer(pasted)
	e := catalog.Decode(status, header, body)
	if len(e.Details) == 0 && body != nil && loggedStatus.Find(body) == nil && len(catalog.Shape().Code) == 0 {
		otherForms(e, body)
	}
	if len(e.Details) > 0 || status != 0 {
		return e
	}
	return logged(pasted, catalog)
}

func coded(code classify.Code) *classify.Error {
	return &classify.Error{Details: []classify.Detail{{Code: code}}}
}

func known(catalog *classify.Catalog, code classify.Code) bool {
	_, known := catalog.Lookup(code)
	return known
}

// logged reads a line from a log, and returns nil if it has neither code nor status.
func logged(line []byte, catalog *classify.Catalog) *classify.Error {
	find := func(what *regexp.Regexp) string {
		if m := what.FindSubmatch(line); m != nil {
			return string(m[1])
		}
		return ""
	}
	e := &classify.Error{TraceID: find(loggedTrace)}
	e.Status, _ = strconv.Atoi(find(loggedStatus))
	if code := codeIn(line, catalog); code != "" {
		e.Details = coded(code).Details
	}
	if e.Status == 0 && len(e.Details) == 0 {
		return nil
	}
	return e
}

// codeIn returns the code in a line from a log. A word counts if it has a rule, or if it
// is the value of a field; the rest of the line is prose.
func codeIn(line []byte, catalog *classify.Catalog) classify.Code {
	field := classify.Code("")
	for _, m := range loggedCode.FindAllSubmatch(line, -1) {
		text := string(m[2])
		if unquoted, err := strconv.Unquote(text); err == nil {
			text = unquoted
		}
		code := classify.Code(text)
		if numberOf(code) != nil || known(catalog, code) {
			return code
		}
		if field == "" && bytes.ContainsAny(m[1], "=:") && !bytes.HasPrefix(m[1], []byte("HTTP")) && code.Valid() {
			field = code
		}
	}
	return field
}

// otherForms reads two forms in which other APIs write their codes: {"error": {"code":
// …}} as in JSON-RPC, and {"code": …} as gRPC does over HTTP. It is not used for a table
// that describes its answers.
func otherForms(e *classify.Error, body []byte) {
	for _, path := range []string{"$.error.code", "$.code"} {
		catalog, err := classify.JSONRPC().WithShape(classify.Shape{Code: []string{path}})
		if err != nil {
			return
		}
		if found := catalog.Decode(e.Status, nil, body); len(found.Details) > 0 {
			e.Details = found.Details
			return
		}
	}
}
