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
	maxSkipped = 1000 // errors beyond those whose code is read
)

// Error is one failed answer of an API. [FromResponse], [ReadJSON] and [Decode]
// make it; find it in an error using errors.As. Only *Error is an error.
//
// Its text shows the server's messages but never Data, which tends to repeat the
// request; neither do the fmt verbs, slog or encoding/json.
type Error struct {
	Status     int           // HTTP status; 0 if the answer had none
	Details    []Detail      // what the server complains of, at most 16
	TraceID    string        // what the vendor's support asks for; may be empty. A word of at most 128 bytes if it was parsed
	RetryAfter time.Duration // how long the server asks to wait, 0 if it does not

	partial bool   // the answer held more than is kept here: cut, not all JSON, or with too many errors
	bare    bool   // no path led to a code: Details is what a person may read, and no complaint of its own
	skipped int    // errors that there was no room for in Details
	beyond  []Code // the codes of those, each once
}

// Detail is one error of an answer. Server text is cut at 256 bytes, and stripped of
// control characters and invalid UTF-8, when it is parsed.
type Detail struct {
	Code    Code // "" if there was none, or none that could be read
	Message string
	Data    string `json:"-"` // not for logs: it may repeat what was sent
}

// Complete reports whether the answer was read whole, held at least one error and
// no more than are kept, each with a readable code. Only such an answer can prove
// that a request was refused. An Error made by hand counts as read whole.
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

// code is that of the detail, those skipped included.
func (e *Error) code(i int) Code {
	if i < len(e.Details) {
		return e.Details[i].Code
	}
	return e.beyond[i-len(e.Details)]
}

// Error is the answer on one line, such as
// "HTTP 403: 50 Nonce is not monotonous (trace 5f2c)". It shows three details, and
// puts a message into quotes that is more than plain words.
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

// SafeError says that this text is fit to be logged.
func (e *Error) SafeError() string { return e.Error() }

// Format writes the text of [Error.Error] for every verb: without it, printing an
// Error that is not a pointer would show its Data.
func (e Error) Format(f fmt.State, verb rune) { format(f, verb, e.Error()) }

// LogValue is the text of [Error.Error].
func (e Error) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// text is the detail for people, without Data. A message that is more than plain
// words stands in quotes, lest it read like what this module has to say.
func (d Detail) text() string {
	message := d.Message
	if !plain(message) || d.Code == "" && strings.TrimLeft(message, "-0123456789") != message { // nor like a code
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

// plain reports whether a text holds none of the characters that give a line of
// ours its form: parentheses, colons, semicolons, quotes, and what looks like them.
func plain(text string) bool {
	const marks = " .,!?'/-_+%&#@*=<>[]$€…–"
	return strings.TrimSpace(text) == text && !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r) && !strings.ContainsRune(marks, r)
	})
}

// Format writes code and message for every verb, and never Data.
func (d Detail) Format(f fmt.State, verb rune) { format(f, verb, d.text()) }

// LogValue holds code and message, and never Data.
func (d Detail) LogValue() slog.Value {
	return slog.GroupValue(slog.String("code", string(d.Code)), slog.String("message", d.Message))
}

func format(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	io.WriteString(f, text) // a fmt.State takes no error back
}
