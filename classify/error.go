package classify

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	maxDetails = 16   // errors of one answer that are kept
	maxSkipped = 1000 // further errors whose code is read
)

// Error is one failed answer of an API. [FromResponse], [ReadJSON] and [Decode] return
// it. Get it from another error with errors.As. Only *Error implements error.
//
// Its text shows the server's messages but never Data, which often repeats the request.
// The same holds for the fmt verbs, slog and encoding/json.
type Error struct {
	Status     int           // HTTP status; 0 if the answer had none
	Details    []Detail      // the errors in the answer, at most 16
	TraceID    string        // the id that the vendor's support asks for; may be empty. If parsed, a word of at most 128 bytes
	RetryAfter time.Duration // how long the server asks to wait; 0 if it does not ask

	partial bool   // not everything in the answer is kept here: it was cut off, not all JSON, or had too many errors
	bare    bool   // no path led to a code: Details is for display only
	other   bool   // a JSON object in which no path led to anything, or HTML or XML
	page    bool   // HTML
	skipped int    // errors that did not fit into Details
	beyond  []Code // the codes of those, without duplicates
}

// Detail is one error in an answer. When an answer is parsed, server text is cut at 256
// bytes and stripped of control characters and invalid UTF-8.
type Detail struct {
	Code    Code // "" if there was none or it could not be read
	Message string
	Data    string `json:"-"` // not for logs: it may repeat what was sent
}

// Complete reports whether the answer was read whole and all its errors are kept, at
// least one, each with a readable code. Only such an answer can prove that a request was
// refused. An Error that the program made itself counts as read whole.
func (e *Error) Complete() bool {
	if e == nil || e.partial || len(e.Details) == 0 || len(e.Details) > maxDetails {
		return false
	}
	for i := range e.Details {
		if e.Details[i].Code == "" {
			return false
		}
	}
	return true
}

// Unmatched reports whether the body of the answer was a JSON object in which no path of
// the [Shape] found anything, or HTML or XML. The Shape of the API is then missing, or
// somebody else answered: a gateway, or the server at a wrong address.
func (e *Error) Unmatched() bool { return e != nil && e.other }

// HTML reports whether the body of the answer was an HTML page. The API did not answer
// then: a gateway did, or the server at a wrong address.
func (e *Error) HTML() bool { return e != nil && e.page }

// code returns the code of error i, including those that did not fit into Details.
func (e *Error) code(i int) Code {
	if i < len(e.Details) {
		return e.Details[i].Code
	}
	return e.beyond[i-len(e.Details)]
}

// Error returns the answer on one line, such as "HTTP 403: 50 Nonce is not monotonous
// (trace 5f2c)". It shows at most three details. A message that is more than plain words
// is quoted.
func (e *Error) Error() string {
	if e == nil {
		return "<nil>"
	}
	const shown = 3
	var b strings.Builder
	if e.Status != 0 {
		b.WriteString("HTTP " + strconv.Itoa(e.Status))
	} else {
		b.WriteString("API error")
	}
	for i, d := range e.Details[:min(len(e.Details), shown)] {
		b.WriteString([]string{": ", "; "}[min(i, 1)])
		b.WriteString(d.text())
	}
	if more := len(e.Details) - shown; more > 0 {
		b.WriteString(" and " + strconv.Itoa(more) + " more")
	}
	if e.TraceID != "" {
		b.WriteString(" (trace " + e.TraceID + ")")
	}
	return b.String()
}

// SafeError returns the same text as Error: it is safe to log.
func (e *Error) SafeError() string { return e.Error() }

// Format writes the text of [Error.Error] for every verb. Without it, fmt would print the
// Data of an Error that is not a pointer.
func (e Error) Format(f fmt.State, verb rune) { format(f, verb, e.Error()) }

// LogValue returns the text of [Error.Error].
func (e Error) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// text returns the detail for display, without Data. A message that is more than plain
// words is quoted, so that it cannot look like text of this module.
func (d Detail) text() string {
	message := d.Message
	if !plain(message) || d.Code == "" && strings.TrimLeft(message, "-0123456789") != message { // nor must it look like a code
		message = strconv.QuoteToGraphic(message)
	}
	switch {
	case d.Code == "" && message == "":
		return "no code"
	case d.Code == "":
		return message
	}
	return strings.TrimSuffix(d.Code.Text()+" "+message, " ")
}

// plain reports whether a text has none of the characters that structure our lines:
// parentheses, colons, semicolons, quotes, and characters that look like them.
func plain(text string) bool {
	const marks = " .,!?'/-_+%&#@*=<>[]$€…–"
	return strings.TrimSpace(text) == text && !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r) && !strings.ContainsRune(marks, r)
	})
}

// Format writes the code and the message for every verb, and never Data.
func (d Detail) Format(f fmt.State, verb rune) { format(f, verb, d.text()) }

// LogValue returns the code and the message, and never Data.
func (d Detail) LogValue() slog.Value {
	return slog.GroupValue(slog.String("code", string(d.Code)), slog.String("message", d.Message))
}

func format(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	io.WriteString(f, text) // a fmt.State does not report errors
}
