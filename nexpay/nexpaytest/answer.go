package nexpaytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/nexpay-go/resilience/classify"
)

// An answer is what the bank sends back to the client.
type answer struct {
	status int
	code   classify.Code // the first code in body, for the log
	header http.Header
	body   []byte
	cut    int // bytes of body that are announced but not sent
}

const (
	jsonType = "application/json"
	htmlType = "text/html; charset=utf-8"
)

func newAnswer(status int, contentType string, body []byte) answer {
	a := answer{status: status, header: make(http.Header), body: body}
	if len(body) > 0 {
		a.header.Set("Content-Type", contentType)
	}
	return a
}

// jsonAnswer returns a 200 with v as JSON. A nil v makes an empty body.
func jsonAnswer(v any) answer {
	if v == nil {
		return newAnswer(http.StatusOK, "", nil)
	}
	return newAnswer(http.StatusOK, jsonType, encode(v))
}

// encode encodes values of this package, which cannot fail.
func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return body
}

type errorBody struct {
	Errors  []errorDetail `json:"errors"`
	TraceID string        `json:"traceId"`
}

type errorDetail struct {
	Code    json.RawMessage `json:"code"`
	Message string          `json:"message"`
	Data    string          `json:"data,omitempty"`
}

// written returns a code as the API writes it: an integer as a JSON number.
func written(code classify.Code) json.RawMessage {
	if (classify.Rule{Codes: "-999999..999999"}).Matches(code) {
		return json.RawMessage(code)
	}
	return encode(string(code))
}

// errorAnswer returns an API error with these details. Status 0 means the status of
// the first detail's code, and an empty message the vendor's message.
func errorAnswer(status int, trace string, details ...classify.Detail) answer {
	body := errorBody{TraceID: trace}
	for _, d := range details {
		if d.Message == "" {
			d.Message = message(d.Code)
		}
		body.Errors = append(body.Errors, errorDetail{written(d.Code), d.Message, d.Data})
	}
	code := details[0].Code
	if status == 0 {
		status = statusOf(code)
	}
	a := newAnswer(status, jsonType, encode(body))
	a.code = code
	return a
}

func message(code classify.Code) string {
	if rule, ok := classify.Nexpay().Lookup(code); ok {
		return rule.Name
	}
	return "Error"
}

// keyCodes are the codes about the key and the signature.
var keyCodes = classify.Rule{Codes: "1..199"}

// statusOf returns the HTTP status of a code in the vendor's table.
func statusOf(code classify.Code) int {
	switch {
	case code == "-32603":
		return http.StatusInternalServerError
	case keyCodes.Matches(code):
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

// answer returns the fault's own answer.
func (f *Fault) answer(trace string) answer {
	switch {
	case f.HTML:
		status := or(f.Status, http.StatusBadGateway)
		title := fmt.Sprintf("%d %s", status, http.StatusText(status))
		return newAnswer(status, htmlType, fmt.Appendf(nil,
			"<html>\r\n<head><title>%[1]s</title></head>\r\n<body>\r\n<center><h1>%[1]s</h1></center>\r\n</body>\r\n</html>\r\n", title))
	case f.Body != nil:
		return newAnswer(or(f.Status, http.StatusOK), jsonType, f.Body)
	}
	details := f.Errors
	if f.Code != "" {
		details = append([]classify.Detail{{Code: f.Code, Message: f.Message, Data: f.Data}}, details...)
	}
	if len(details) == 0 {
		return newAnswer(f.Status, "", nil)
	}
	return errorAnswer(f.Status, trace, details...)
}

func or(status, otherwise int) int {
	if status == 0 {
		return otherwise
	}
	return status
}

// spoil applies the fault to an answer.
func (f *Fault) spoil(a *answer) {
	if f.RetryAfter != "" {
		a.header.Set("Retry-After", f.RetryAfter)
	}
	for name, values := range f.Header {
		a.header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	a.cut = f.Truncate
}

// hasBody reports whether an answer to that method may have a body.
func (a *answer) hasBody(method string) bool {
	return method != http.MethodHead && a.status != http.StatusNoContent && a.status != http.StatusNotModified
}

// parts returns the announced length and the bytes to send.
func (a *answer) parts() (promised int, sent []byte) {
	promised = max(len(a.body), a.cut)
	return promised, a.body[:min(len(a.body), promised-a.cut)]
}
