package classify

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Shape says where the answers of an API keep what matters. Give it to a catalog by
// [Catalog.WithShape].
//
// A path is one of RFC 9535 (JSONPath), of which names, indexes and [*] are understood:
// $.error.code, $.errors[*].code, $['a.b'][0]. [*] stands for the elements of an array;
// another value in the place of the array counts as one element, and the answer as not
// read whole. Nor is it read whole where an element of any [*] on the way to a code has
// no code, or an array has more elements than are asked for by index: of several things
// that were asked for, others may have been done. Of several paths, the first counts
// that finds something.
//
// The zero Shape is {"errors":[{"code":…,"message":…,"data":…}],"traceId":…}. One that
// names no path of a kind, and some of another, has none of that kind.
type Shape struct {
	// Code, Message and Data are paths to a code, a text for people and a text that is
	// not for logs: text or a number. With [*] each element is one Detail, to which
	// belong the message and data of the same index. A code found twice is none.
	Code, Message, Data []string

	// TraceID are paths, or headers as in "header:Request-Id".
	TraceID []string

	// RetryAfter are headers that are read beside Retry-After, and like that: a date,
	// or a number of seconds. It is one of milliseconds where the name says so by its
	// end ("-ms", "-millis", "-milliseconds"), or a unit stands behind it: "X-Wait ms".
	// ("X-Wait-Ms s" is in seconds.) A number that is too large for a wait is a time
	// since 1970. "RateLimit" (t=…) and names that end in "RateLimit-Reset" say when a
	// quota is full again: they count under 429, or where it is said to be used up.
	RetryAfter []string

	// Success are codes that say that there is no error: "00", "SUCCESS". Nil means
	// "0"; an empty list means that every code is an error.
	Success []Code

	// StatusDecides says that a 2xx is a success, whatever the paths lead to: for an
	// API whose successes have, where errors have their code, something of their own,
	// such as a "name" or a "title". It is then handed on unread.
	StatusDecides bool

	// IdempotencyKeys are request headers that make a request safe to send again,
	// "Idempotency-Key", for IdempotentFor after it was first sent.
	IdempotencyKeys []string
	IdempotentFor   time.Duration
}

// A ShapeError is one mistake in a [Shape].
type ShapeError struct {
	Field   string // "Code"
	Index   int    // in the field, from 0; −1 if the field has none
	Column  int    // in bytes, from 1; 0 if it is the whole
	Text    string // of the path, or what else is wrong
	Problem string
}

// Error returns the mistake and its place: "Code[0] $.error..code, column 9: …".
func (e *ShapeError) Error() string {
	place := e.Field
	if e.Index >= 0 {
		place = fmt.Sprintf("%s[%d] %.100q", e.Field, e.Index, e.Text)
	}
	if e.Column > 0 {
		place = fmt.Sprintf("%s, column %d", place, e.Column)
	}
	return place + ": " + e.Problem
}

// What paths lead to.
const (
	toCode = iota
	toMessage
	toData
	toTrace
	kinds
)

// A shape is a Shape that is compiled. It does not change.
type shape struct {
	Shape
	root  step
	paths [kinds][]int  // numbers of the paths of each kind, in order
	count int           // of all paths
	stars int           // of all [*], those that paths have in common counted once
	each  map[int][]int // of code paths, the numbers of the [*] on the way: an element may have no error
	trace []traceAt
	waits []waitHeader // of RetryAfter
	// explicit is false for the zero Shape: there, an element without a code makes an
	// error of a 2xx too.
	explicit bool
}

// A traceAt is where a trace id may be: at a path or in a header.
type traceAt struct {
	path   int
	header string
}

// A step is a place in answers that some paths go through or end at.
type step struct {
	names    []member
	elements []element
	picks    bool // a code path leads to one of elements
	each     *step
	star     int   // the number of this step, if it is each of another
	ends     []int // numbers of the paths that end here
	details  []int // of code paths: an element here is a Detail, even without a code
}

type member struct {
	name string
	step *step
}

type element struct {
	index int
	step  *step
}

// standard is the zero Shape.
var standard = func() *shape {
	s, err := compileShape(Shape{
		Code: []string{"$.errors[*].code"}, Message: []string{"$.errors[*].message"}, Data: []string{"$.errors[*].data"},
		TraceID: []string{"$.traceId"},
	})
	if err != nil {
		panic(err)
	}
	s.Shape, s.explicit = Shape{}, false
	return s
}()

// WithShape returns a copy of the catalog for answers of that shape. It reports every
// mistake in one error, of [*ShapeError]s: a path that is none, a name that no header
// can have, a success code that no answer can have or that a rule knows, keys of
// idempotency without a time for which they are kept, or a time without keys.
func (c *Catalog) WithShape(s Shape) (*Catalog, error) {
	n := *c
	n.shape = standard
	var errs []error
	if !s.zero() {
		compiled, err := compileShape(s)
		if err != nil {
			errs = append(errs, err)
		}
		n.shape = compiled
		if len(s.Code)+len(s.Message)+len(s.Data)+len(s.TraceID) == 0 { // the answers are as usual
			n.shape = new(*standard)
			n.shape.Shape, n.shape.waits = compiled.Shape, compiled.waits
		}
	}
	for i, code := range s.Success {
		if r := c.singles[code]; r != nil {
			errs = append(errs, &ShapeError{"Success", i, 0, string(code), "there is a " + r.where()})
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("catalog %q: %w", c.name, err)
	}
	return &n, nil
}

// Shape returns the shape of the answers that the catalog is for: a copy.
func (c *Catalog) Shape() Shape { return c.shape.Shape.clone() }

func (s Shape) clone() Shape {
	for _, list := range []*[]string{&s.Code, &s.Message, &s.Data, &s.TraceID, &s.RetryAfter, &s.IdempotencyKeys} {
		*list = slices.Clone(*list)
	}
	s.Success = slices.Clone(s.Success)
	return s
}

// zero reports whether nothing at all is said.
func (s *Shape) zero() bool {
	return len(s.Code)+len(s.Message)+len(s.Data)+len(s.TraceID)+len(s.RetryAfter)+len(s.IdempotencyKeys) == 0 &&
		s.Success == nil && !s.StatusDecides && s.IdempotentFor == 0
}

// isSuccess reports whether the code says that there is no error.
func (s *shape) isSuccess(code Code) bool {
	if s.Success == nil {
		return code == "0"
	}
	return slices.Contains(s.Success, code)
}

// compileShape makes one tree of all paths.
func compileShape(s Shape) (*shape, error) {
	c := shapeCompiler{shape: &shape{Shape: s, explicit: true, each: map[int][]int{}}}
	out := c.shape
	out.Shape = s.clone() // the caller may change theirs later
	c.paths("Code", toCode, s.Code)
	c.paths("Message", toMessage, s.Message)
	c.paths("Data", toData, s.Data)
	if len(s.TraceID) > maxPaths {
		c.wrong("TraceID", -1, 0, "", fmt.Sprintf("more than %d", maxPaths))
	}
	if len(s.Success) > maxSuccess {
		c.wrong("Success", -1, 0, "", fmt.Sprintf("more than %d", maxSuccess))
	}
	for i, at := range s.TraceID {
		name, header := strings.CutPrefix(at, "header:")
		if !header {
			if n, ok := c.path("TraceID", i, toTrace, at); ok {
				out.trace = append(out.trace, traceAt{path: n})
			}
			continue
		}
		c.header("TraceID", i, name)
		out.trace = append(out.trace, traceAt{header: http.CanonicalHeaderKey(name)})
	}
	c.waits(s.RetryAfter)
	c.headers("IdempotencyKeys", s.IdempotencyKeys)
	for i, code := range s.Success {
		if !code.Valid() {
			c.wrong("Success", i, 0, string(code), fmt.Sprintf("no answer has this code: it has at most %d bytes, all printable", maxWord))
		}
	}
	switch {
	case s.IdempotentFor < 0:
		c.wrong("IdempotentFor", -1, 0, "", "negative")
	case s.IdempotentFor == 0 && len(s.IdempotencyKeys) > 0:
		c.wrong("IdempotentFor", -1, 0, "", "for how long does the API keep the key of a request?")
	case s.IdempotentFor > 0 && len(s.IdempotencyKeys) == 0:
		c.wrong("IdempotencyKeys", -1, 0, "", "which header makes a request safe to send again?")
	}
	return out, errors.Join(c.errs...)
}

type shapeCompiler struct {
	shape *shape
	errs  []error
}

const (
	maxPaths   = 16  // of one kind
	maxSuccess = 100 // codes that say that there is no error
)

func (c *shapeCompiler) wrong(field string, index, column int, text, problem string) {
	c.errs = append(c.errs, &ShapeError{field, index, column, text, problem})
}

func (c *shapeCompiler) paths(field string, kind int, paths []string) {
	if len(paths) > maxPaths {
		c.wrong(field, -1, 0, "", fmt.Sprintf("more than %d", maxPaths))
		return
	}
	for i, path := range paths {
		c.path(field, i, kind, path)
	}
}

// path adds one path to the tree, and returns its number.
func (c *shapeCompiler) path(field string, i, kind int, path string) (number int, ok bool) {
	segments, fault := parsePath(path)
	if fault != nil {
		c.wrong(field, i, fault.column, path, fault.text)
		return 0, false
	}
	s := c.shape
	number = s.count
	s.count++
	s.paths[kind] = append(s.paths[kind], number)
	at := &s.root
	last := -1 // of [*]
	for n, seg := range segments {
		if seg.each {
			last = n
		}
	}
	for n, seg := range segments {
		at.picks = at.picks || kind == toCode && seg.index >= 0
		at = at.next(seg, &s.stars)
		if kind == toCode && seg.each {
			s.each[number] = append(s.each[number], at.star)
			if n == last && n >= len(segments)-2 {
				at.details = append(at.details, number)
			}
		}
	}
	at.ends = append(at.ends, number)
	return number, true
}

// next is the step that a segment leads to.
func (s *step) next(seg segment, stars *int) *step {
	switch {
	case seg.each:
		if s.each == nil {
			s.each = &step{star: *stars}
			*stars++
		}
		return s.each
	case seg.index >= 0:
		for _, e := range s.elements {
			if e.index == seg.index {
				return e.step
			}
		}
		s.elements = append(s.elements, element{seg.index, new(step)})
		return s.elements[len(s.elements)-1].step
	}
	for _, m := range s.names {
		if m.name == seg.name {
			return m.step
		}
	}
	s.names = append(s.names, member{seg.name, new(step)})
	return s.names[len(s.names)-1].step
}

func (c *shapeCompiler) waits(texts []string) {
	if len(texts) > maxPaths {
		c.wrong("RetryAfter", -1, 0, "", fmt.Sprintf("more than %d", maxPaths))
		return
	}
	for i, text := range texts {
		w, column := readWaitHeader(text)
		if column > 0 {
			c.wrong("RetryAfter", i, column, text, "behind the name of a header may stand a unit, ms or s, and nothing else")
			continue
		}
		if c.header("RetryAfter", i, w.name) {
			c.shape.waits = append(c.shape.waits, w)
		}
	}
}

func (c *shapeCompiler) headers(field string, names []string) {
	if len(names) > maxPaths {
		c.wrong(field, -1, 0, "", fmt.Sprintf("more than %d", maxPaths))
		return
	}
	for i, name := range names {
		c.header(field, i, name)
	}
}

func (c *shapeCompiler) header(field string, i int, name string) (ok bool) {
	if name == "" || strings.Trim(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		problem := "no header has this name"
		if strings.HasPrefix(name, "header:") {
			problem += ": here names stand without header:"
		}
		c.wrong(field, i, 0, name, problem)
		return false
	}
	return true
}
