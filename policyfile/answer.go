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

// An answer describes the shape of answers; see [classify.Shape].
type answer struct {
	Code            paths     `name:"code" doc:"Path to the code, such as $.error.code, or a list of paths: the first that finds text or a number counts. With [*], as in $.errors[*].code, each element is an error."`
	Message         paths     `name:"message" doc:"Paths to the text for people."`
	Data            paths     `name:"data" doc:"Paths to a text that may repeat the request. The program can read it; it is never logged."`
	TraceID         paths     `name:"trace-id" doc:"Paths to the id that the vendor's support asks for, or headers, such as header:Request-Id."`
	RetryAfter      paths     `name:"retry-after" doc:"Headers, besides Retry-After, that say how long to wait: in seconds, or in milliseconds if the name ends in -ms or -milliseconds or is followed by ms. Examples: Retry-After-Ms, X-Wait ms, RateLimit, RateLimit-Reset, X-RateLimit-Reset."`
	Success         successes `name:"success" doc:"Codes that mean success. Default: 0. An empty list: every code is an error."`
	StatusDecides   bool      `name:"status-decides" doc:"Every 2xx is a success, whatever the paths find. For an API whose successes have other values where errors have their code."`
	IdempotencyKeys paths     `name:"idempotency-keys" doc:"Request headers that make a request safe to retry, such as Idempotency-Key."`
	IdempotentFor   period    `name:"idempotent-for" doc:"How long after its first attempt a request is safe to retry: a duration, such as 24h. Required with idempotency-keys."`
}

type (
	path      string // or a header
	paths     []path // one, or a list
	successes []classify.Code
)

func (p *path) parse(s string) error {
	*p = path(s)
	return nil
}

// only reads a single text where a list is allowed.
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

// shaped returns the catalog with the shape in the file, if there is one, and reports its
// mistakes. The shape replaces that of the base as a whole: half of each would fit no
// API.
func (d *decoder) shaped(at *yaml.Node, a *answer, c *classify.Catalog) *classify.Catalog {
	if at == nil || at.Kind != yaml.MappingNode {
		d.success = c.Shape().Success
		return c
	}
	shape := a.shape()
	if len(shape.Success) > mostSuccesses {
		d.wrong(child(at, "success"), "%d codes are more than the %d that may mean success", len(shape.Success), mostSuccesses)
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

// mostSuccesses limits the codes that mean success: each answer is compared with all of
// them.
const mostSuccesses = 100

var answerFields = map[string]string{
	"Code": "code", "Message": "message", "Data": "data", "TraceID": "trace-id", "RetryAfter": "retry-after", "Success": "success",
	"IdempotencyKeys": "idempotency-keys", "IdempotentFor": "idempotent-for",
}

// shapeMistake reports a mistake at its place: within a path, if the column can be
// computed from the file.
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

// from returns the text of the file from a value to the end of its line.
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

// columnsBefore returns how many columns a scalar occupies in the file before a byte of
// its value, and false if that byte is not on the scalar's first line.
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

// written reads one character of a scalar: its bytes in the file, and the character. size
// is 0 at the end of the line.
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
	r, _, rest, err := strconv.UnquoteChar(source, '"') // YAML's other escapes cannot be part of a path
	if err != nil {
		return 0, ""
	}
	if utf16.IsSurrogate(r) || r == utf8.RuneError { // JSON writes a pair
		return 0, ""
	}
	return len(source) - len(rest), string(r)
}
