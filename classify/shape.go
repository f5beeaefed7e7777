package classify

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Shape says where the answers of an API have their codes, messages and other values.
// Pass it to [Catalog.WithShape].
//
// A path is a JSONPath (RFC 9535) of names, indexes and [*]: $.error.code,
// $.errors[*].code, $['a.b'][0]. [*] stands for the elements of an array. Another value
// in place of the array counts as one element, and makes the answer incomplete
// ([Error.Complete]). An answer is also incomplete if an element of any [*] on the way to
// a code has no code, or if an array has more elements than the paths name by index: the
// other parts of the request may have been executed. Of several paths, the first one that
// finds something counts.
//
// The zero Shape is {"errors":[{"code":…,"message":…,"data":…}],"traceId":…}. In a Shape
// with any path, a field without paths finds nothing.
type Shape struct {
	// Code, Message and Data are paths to a code, to a text for people and to a text that
	// must not be logged. The values are strings or numbers. With [*] each element is one
	// Detail, with the message and the data of the same index. Two codes in one place
	// cancel each other.
	Code, Message, Data []string

	// TraceID has paths, or headers such as "header:Request-Id".
	TraceID []string

	// RetryAfter has headers that are read in addition to Retry-After, and in the same
	// way: a date, or a number of seconds. The number is in milliseconds if the name ends
	// in "-ms", "-millis", "-milliseconds" or the like. A unit after the name overrides
	// this: "X-Wait ms", "X-Wait-Ms s". A number too large for a wait is a time since
	// 1970. "RateLimit" (its t=…) and names that end in "RateLimit-Reset" say when a
	// quota is full again: they count under a 429, or if the quota is said to be used up.
	RetryAfter []string

	// Success has the codes that mean success: "00", "SUCCESS". Nil means "0". An empty
	// list means that every code is an error.
	Success []Code

	// StatusDecides makes every 2xx a success, whatever the paths find. Set it for an API
	// whose successes have other values where its errors have their code, such as a
	// "name" or a "title". The paths are then not read in a 2xx.
	StatusDecides bool

	// IdempotencyKeys has the request headers that make a request safe to retry, such as
	// "Idempotency-Key", for IdempotentFor after its first attempt.
	IdempotencyKeys []string
	IdempotentFor   time.Duration
}

// A ShapeError is one mistake in a [Shape].
type ShapeError struct {
	Field   string // "Code"
	Index   int    // in the field, from 0; −1 if it concerns the whole field
	Column  int    // in bytes, from 1; 0 if it concerns the whole text
	Text    string // the text of the path or other value
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

// The kinds of values that paths lead to.
const (
	toCode = iota
	toMessage
	toData
	toTrace
	kinds
)

// A shape is a compiled Shape. It is immutable.
type shape struct {
	Shape
	root  step
	paths [kinds][]int  // path numbers of each kind, in order
	count int           // of all paths
	stars int           // of all [*]; one that several paths share counts once
	each  map[int][]int // by code path, the numbers of its [*]: an element may have no error
	trace []traceAt
	waits []waitHeader // of RetryAfter
	// explicit is false for the zero Shape: there, an element without a code makes a 2xx
	// an error too.
	explicit bool
}

// A traceAt is a place of a trace id: a path or a header.
type traceAt struct {
	path   int
	header string
}

// A step is a place in answers that some paths lead through or to.
type step struct {
	names    []member
	elements []element
	picks    bool // a code path leads to one of elements
	each     *step
	star     int   // the number of this [*], if this step is one
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

// WithShape returns a copy of the catalog for answers of this shape. It reports all
// mistakes in one error, of [*ShapeError]s: an invalid path; an invalid header name; a
// success code that no answer can have or that has a rule; IdempotencyKeys without
// IdempotentFor, or the reverse.
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
		if len(s.Code)+len(s.Message)+len(s.Data)+len(s.TraceID) == 0 { // the zero Shape's paths
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

// Shape returns a copy of the shape of the catalog's answers.
func (c *Catalog) Shape() Shape { return c.reads().Shape.clone() }

// reads returns how the catalog reads answers: the zero Catalog reads the zero Shape.
func (c *Catalog) reads() *shape {
	if c == nil || c.shape == nil {
		return standard
	}
	return c.shape
}

func (s Shape) clone() Shape {
	for _, list := range []*[]string{&s.Code, &s.Message, &s.Data, &s.TraceID, &s.RetryAfter, &s.IdempotencyKeys} {
		*list = slices.Clone(*list)
	}
	s.Success = slices.Clone(s.Success)
	return s
}

// zero reports whether no field is set.
func (s *Shape) zero() bool {
	return len(s.Code)+len(s.Message)+len(s.Data)+len(s.TraceID)+len(s.RetryAfter)+len(s.IdempotencyKeys) == 0 &&
		s.Success == nil && !s.StatusDecides && s.IdempotentFor == 0
}

// isSuccess reports whether the code means success.
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
	out.Shape = s.clone() // the caller may change its slices later
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
			c.wrong("Success", i, 0, string(code), fmt.Sprintf("invalid code: a code has at most %d bytes, all printable", maxWord))
		}
	}
	switch {
	case s.IdempotentFor < 0:
		c.wrong("IdempotentFor", -1, 0, "", "negative")
	case s.IdempotentFor == 0 && len(s.IdempotencyKeys) > 0:
		c.wrong("IdempotentFor", -1, 0, "", "required with idempotency keys: for how long the API keeps a key")
	case s.IdempotentFor > 0 && len(s.IdempotencyKeys) == 0:
		c.wrong("IdempotencyKeys", -1, 0, "", "required with a time: the request header that carries the key")
	}
	return out, errors.Join(c.errs...)
}

type shapeCompiler struct {
	shape *shape
	errs  []error
}

const (
	maxPaths   = 16  // of one kind
	maxSuccess = 100 // codes that mean success
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

// path adds one path to the tree and returns its number.
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

// next returns the step that a segment leads to.
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
			c.wrong("RetryAfter", i, column, text, "only a unit, ms or s, may follow the name of a header")
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
		problem := "invalid header name"
		if strings.HasPrefix(name, "header:") {
			problem += ": omit the prefix header: here"
		}
		c.wrong(field, i, 0, name, problem)
		return false
	}
	return true
}
