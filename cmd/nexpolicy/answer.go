package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"github.com/nexpay-go/resilience/classify"
)

// mostPasted is more than any answer with an error has.
const mostPasted = 1 << 20

var (
	alone = regexp.MustCompile(`^\s*-?[0-9]+\s*$`)
	// What the errors and events of package retry say, as text or as the fields of a
	// log: HTTP 500: -32603 Internal error (trace 5f2c), or code=-32603 status=500.
	loggedCode   = regexp.MustCompile(`(?:HTTP [1-5][0-9][0-9]: |\bcode"?[=: ]+"?)(-?[0-9]+)\b`)
	loggedStatus = regexp.MustCompile(`(?:HTTP |\bstatus"?[=: ]+"?)([1-5][0-9][0-9])\b`)
	loggedTrace  = regexp.MustCompile(`\btrace"?[=: ]+"?([\w.:/+=-]{1,128})`)
)

// readAnswer makes of what was pasted an error: of a body in JSON, with what stands
// before it, of a line from a log, or of a code by itself. A status that was given
// goes before one that was found.
func readAnswer(in io.Reader, status int) (*classify.Error, error) {
	pasted, err := io.ReadAll(io.LimitReader(in, mostPasted+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("standard input: %w", err)
	case len(pasted) > mostPasted:
		return nil, errors.New("standard input holds more than 1 MiB: paste the answer alone")
	case len(bytes.TrimSpace(pasted)) == 0:
		return nil, errors.New("there is nothing on standard input: paste an answer, or a line from a log")
	}
	e := pastedAnswer(pasted)
	if e == nil {
		return nil, errors.New("neither an answer in JSON nor a line with an HTTP status could be found on standard input")
	}
	if status != 0 {
		e.Status = status
	}
	return e, nil
}

func pastedAnswer(pasted []byte) *classify.Error {
	if alone.Match(pasted) {
		code, _ := strconv.Atoi(string(bytes.TrimSpace(pasted)))
		return &classify.Error{Details: []classify.Detail{{Code: classify.Code(code)}}}
	}
	status, header, body := lastAnswer(pasted)
	e := classify.Decode(status, header, body)
	if len(e.Details) == 0 && body != nil && loggedStatus.Find(body) == nil {
		otherForms(e, body)
	}
	if len(e.Details) > 0 || status != 0 {
		return e
	}
	return logged(pasted)
}

// logged reads a line from a log, nil if it tells neither code nor status.
func logged(line []byte) *classify.Error {
	find := func(what *regexp.Regexp) string {
		if m := what.FindSubmatch(line); m != nil {
			return string(m[1])
		}
		return ""
	}
	e := &classify.Error{TraceID: find(loggedTrace)}
	e.Status, _ = strconv.Atoi(find(loggedStatus))
	if code, err := strconv.Atoi(find(loggedCode)); err == nil {
		e.Details = []classify.Detail{{Code: classify.Code(code)}}
	}
	if e.Status == 0 && len(e.Details) == 0 {
		return nil
	}
	return e
}

// otherForms reads the forms in which other APIs write their codes: {"error": {"code":
// …}} as in JSON-RPC, or {"code": …} as gRPC's do over HTTP.
func otherForms(e *classify.Error, body []byte) {
	var answer struct {
		Code  *int
		Error json.RawMessage
	}
	if json.NewDecoder(bytes.NewReader(body)).Decode(&answer) != nil {
		return
	}
	var inner struct{ Code *int }
	if json.Unmarshal(answer.Error, &inner) == nil && inner.Code != nil {
		answer.Code = inner.Code
	}
	if answer.Code != nil {
		e.Details = []classify.Detail{{Code: classify.Code(*answer.Code)}}
	}
}
