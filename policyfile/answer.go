package policyfile

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/classify"
)

// An answer is the shape of answers, a [classify.Shape].
type answer struct {
	Code            paths     `name:"code" doc:"Paths to the code, such as $.error.code: one, or a list of which the first counts that finds text or a number. With [*], as in $.errors[*].code, each element is an error."`
	Message         paths     `name:"message" doc:"Paths to the text for people."`
	Data            paths     `name:"data" doc:"Paths to a text that may repeat the request: it is kept for the program and never logged."`
	TraceID         paths     `name:"trace-id" doc:"Paths to what the vendor's support asks for, or headers, as in header:Request-Id."`
	RetryAfter      paths     `name:"retry-after" doc:"Headers that say how long to wait, beside Retry-After, in seconds, or in milliseconds where the name ends in -ms or -milliseconds or ms stands behind it: Retry-After-Ms, X-Wait ms, RateLimit, RateLimit-Reset, X-RateLimit-Reset."`
	Success         successes `name:"success" doc:"Codes that say that there is no error. Left out: 0. An empty list: every code is an error."`
	StatusDecides   bool      `name:"status-decides" doc:"A 2xx is a success, whatever the paths lead to: for an API whose successes have something of their own where errors have their code."`
	IdempotencyKeys paths     `name:"idempotency-keys" doc:"Request headers that make a request safe to send again: Idempotency-Key."`
	IdempotentFor   period    `name:"idempotent-for" doc:"For how long after the first send that is so: a duration, such as 24h. Required with idempotency-keys."`
}

type (
	path      string // or the name of a header
	paths     []path // one, or a list
	successes []classify.Code
)

func (p *path) parse(s string) error {
	*p = path(s)
	return nil
}

// only reads the only element of a list of texts, which needs no brackets.
func (d *decoder) only(n *yaml.Node, v reflect.Value) {
	v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	d.value(n, v.Index(0))
}

func (p paths) texts() (all []string) {
	for _, path := range p {
		all = append(all, string(path))
	}
	return all
}

func (a *answer) shape() classify.Shape {
	return classify.Shape{
		Code: a.Code.texts(), Message: a.Message.texts(), Data: a.Data.texts(), TraceID: a.TraceID.texts(),
		RetryAfter: a.RetryAfter.texts(), Success: a.Success, StatusDecides: a.StatusDecides,
		IdempotencyKeys: a.IdempotencyKeys.texts(), IdempotentFor: time.Duration(a.IdempotentFor),
	}
}

// shaped is the catalog with the shape that the file says, if it does, and notes what
// is wrong with that. It takes the place of the base's as a whole: half a shape of one
// API and half of another would be none.
func (d *decoder) shaped(at *yaml.Node, a *answer, c *classify.Catalog) *classify.Catalog {
	if at == nil || at.Kind != yaml.MappingNode {
		d.success = c.Shape().Success
		return c
	}
	shape := a.shape()
	if len(shape.Success) > mostSuccesses {
		d.wrong(child(at, "success"), "%d codes are more than the %d that may say that there is no error", len(shape.Success), mostSuccesses)
		shape.Success = shape.Success[:mostSuccesses]
	}
	d.success = shape.Success
	with, err := c.WithShape(shape)
	if err == nil {
		return with
	}
	for _, e := range leaves(err) {
		if wrong, ok := errors.AsType[*classify.ShapeError](e); ok {
			d.shapeMistake(at, wrong)
		}
	}
	return c
}

// mostSuccesses is how many codes may say that there is no error: each answer is
// compared with all of them.
const mostSuccesses = 100

var answerFields = map[string]string{
	"Code": "code", "Message": "message", "Data": "data", "TraceID": "trace-id", "RetryAfter": "retry-after", "Success": "success",
	"IdempotencyKeys": "idempotency-keys", "IdempotentFor": "idempotent-for",
}

// shapeMistake notes a mistake where it stands: within a path, if that is seen in the
// file as it is read.
func (d *decoder) shapeMistake(answer *yaml.Node, wrong *classify.ShapeError) {
	if d.full() {
		d.more++
		return
	}
	field := answerFields[wrong.Field]
	at := child(answer, field)
	if at == nil {
		d.wrong(answer, "%s: %s", field, wrong.Problem)
		return
	}
	if at.Kind == yaml.SequenceNode && wrong.Index >= 0 {
		at = at.Content[wrong.Index]
	}
	if d.bad[at] { // it could not be read
		return
	}
	if wrong.Index < 0 {
		d.wrong(at, "%s: %s", field, wrong.Problem)
		return
	}
	text, place := fmt.Sprintf("%s %s", field, strconv.QuoteToGraphic(short(wrong.Text))), *at
	if wrong.Column > 0 {
		if ahead, ok := columnsBefore(at, d.from(at), wrong.Column-1); ok {
			place.Column += ahead
		} else {
			text += fmt.Sprintf(", character %d", 1+utf8.RuneCountInString(wrong.Text[:min(wrong.Column-1, len(wrong.Text))]))
		}
	}
	d.wrong(&place, "%s: %s", text, wrong.Problem)
}

// from is the text of the file from a value to the end of its line.
func (d *decoder) from(n *yaml.Node) string {
	line := ""
	for i, rest := 1, strings.TrimPrefix(d.text, "\ufeff"); ; i++ {
		var more bool
		line, rest, more = strings.Cut(rest, "\n")
		if i == n.Line {
			break
		}
		if !more {
			return ""
		}
	}
	for range n.Column - 1 {
		_, size := utf8.DecodeRuneInString(line)
		line = line[size:]
	}
	return strings.TrimSuffix(line, "\r")
}

// columnsBefore is how many columns a scalar takes in the file up to a byte of its
// value; false if that is not in the line in which it begins.
func columnsBefore(n *yaml.Node, source string, bytes int) (columns int, ok bool) {
	quote := byte(0)
	if source != "" && (source[0] == '"' || source[0] == '\'') && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		quote = source[0]
		source, columns = source[1:], 1
	} else if n.Style != 0 {
		return 0, false
	}
	for done := 0; done < bytes; {
		size, value := written(source, quote)
		if size == 0 || !strings.HasPrefix(n.Value[done:], value) {
			return 0, false
		}
		columns += utf8.RuneCountInString(source[:size])
		source, done = source[size:], done+len(value)
	}
	return columns, true
}

// written takes one letter of a scalar: how many bytes it has in the file, and what
// it stands for. None are left at the end of the line.
func written(source string, quote byte) (size int, value string) {
	switch {
	case source == "", quote != 0 && source[0] == quote && !(quote == '\'' && strings.HasPrefix(source, "''")):
		return 0, ""
	case quote == '\'' && source[0] == '\'':
		return 2, "'"
	case quote != '"' || source[0] != '\\':
		_, size := utf8.DecodeRuneInString(source)
		return size, source[:size]
	case len(source) > 1 && (source[1] == '/' || source[1] == '"'):
		return 2, source[1:2]
	}
	r, _, rest, err := strconv.UnquoteChar(source, '"') // what YAML has beside is no part of a path
	if err != nil {
		return 0, ""
	}
	if utf16.IsSurrogate(r) || r == utf8.RuneError { // JSON writes two
		return 0, ""
	}
	return len(source) - len(rest), string(r)
}
