package nexpay

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/text"
)

// blotted stands for a text of the request's that an answer has echoed.
const blotted = "[…]"

// shortest is the length from which a parameter's value is blotted out. Shorter
// ones tell nobody anything, and stand in messages by chance.
const shortest = 8

// blot takes what the answer echoes of the request out of the texts of err that
// get printed. Messages like "Wrong signature for <text>" are common, and not
// only with hostile servers. Data stays as it is: it is for the program, and
// never printed.
func blot(req *http.Request, err error) {
	e, ok := errors.AsType[*classify.Error](err)
	if !ok || e == nil {
		return
	}
	secrets := []string{req.Header.Get("X-API-KEY"), req.Header.Get("X-Signature")}
	values := append(parameters(req), secrets...)
	e.TraceID = without(e.TraceID, secrets) // and not what may be a number in it by chance
	for i := range e.Details {
		e.Details[i].Message = without(e.Details[i].Message, values)
	}
}

// without blots each of the texts out of a message, and what is left of one
// that the end of the message cuts short.
func without(message string, texts []string) string {
	// The longest first: one may hold another.
	slices.SortFunc(texts, func(a, b string) int { return len(b) - len(a) })
	for _, s := range texts {
		if s != "" {
			message = strings.ReplaceAll(message, s, blotted)
		}
	}
	for _, s := range texts {
		for n := len(s) - 1; n >= shortest; n-- {
			if head, cut := strings.CutSuffix(message, s[:n]); cut {
				return head + blotted
			}
		}
	}
	return message
}

// parameters returns the values of the query and the body: as they are, as they
// were encoded, and as they look when a message has been cleaned.
func parameters(req *http.Request) []string {
	var values []string
	for _, encoded := range []string{req.URL.RawQuery, body(req)} {
		form, err := ParseForm(encoded)
		if err != nil {
			continue
		}
		for _, field := range form {
			if len(field.Value) < shortest {
				continue
			}
			wire := strings.TrimPrefix(Form{{Value: field.Value}}.Encode(), "=")
			values = append(values, field.Value, wire, text.Line(field.Value))
		}
	}
	return values
}

// body is that of a signed request, which can be read again.
func body(req *http.Request) string {
	if req.GetBody == nil {
		return ""
	}
	raw, err := readBody(req)
	if err != nil {
		return ""
	}
	return string(raw)
}
