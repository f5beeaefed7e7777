package classify

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/nexpay-go/resilience/internal/errtree"
)

// Methods by which an error of another library reports what it knows. Fields are never
// read by name: Code is the API's code in one library and the HTTP status in another. For
// errors that keep everything in fields, use [Adapt].
type (
	hasNumber           interface{ ErrorCode() int }
	hasWord             interface{ ErrorCode() string }
	hasSQLState         interface{ SQLState() string }
	hasStatus           interface{ StatusCode() int }
	hasHTTPStatus       interface{ HTTPStatusCode() int }
	hasHTTPCode         interface{ HTTPCode() int }
	hasWait             interface{ RetryAfter() time.Duration }
	hasTrace            interface{ TraceID() string }
	hasRequestID        interface{ RequestID() string }
	hasServiceRequestID interface{ ServiceRequestID() string }
)

// codeOf returns the code that this one error reports.
func (c *Catalog) codeOf(err error) Code {
	if x, ok := as[hasNumber](err); ok {
		if n := x.ErrorCode(); n != 0 {
			return c.numbered(n)
		}
	}
	if x, ok := as[hasWord](err); ok {
		if code := wordCode(x.ErrorCode()); code != "" && !c.reads().isSuccess(code) {
			return code
		}
	}
	if c.sqlState {
		if x, ok := as[hasSQLState](err); ok {
			return wordCode(x.SQLState())
		}
	}
	return ""
}

// numbered returns the code for a number. It does not allocate if there is a rule for
// that code alone.
func (c *Catalog) numbered(n int) Code {
	var buf [20]byte
	digits := strconv.AppendInt(buf[:0], int64(n), 10)
	if own := c.index.Intern(string(digits)); own != "" {
		return Code(own)
	}
	return Code(digits)
}

// statusOf returns the HTTP status that this one error reports, or 0.
func statusOf(err error) int {
	status := 0
	if x, ok := as[hasStatus](err); ok {
		status = x.StatusCode()
	} else if x, ok := as[hasHTTPStatus](err); ok {
		status = x.HTTPStatusCode()
	} else if x, ok := as[hasHTTPCode](err); ok {
		status = x.HTTPCode() // -1: none
	}
	if status < minStatus || status > maxStatus {
		return 0
	}
	return status
}

// facts holds what the errors of one chain report by their methods: for each value, that
// of the outermost error that has it. One layer of a library may know the code and
// another the status.
type facts struct {
	code   Code
	status int
	wait   time.Duration
	trace  string
}

func (t *facts) add(c *Catalog, err error) {
	if t.code == "" {
		t.code = c.codeOf(err)
	}
	if t.status == 0 {
		t.status = statusOf(err)
	}
	if t.wait == 0 {
		if x, ok := as[hasWait](err); ok {
			t.wait = min(max(x.RetryAfter(), 0), maxRetryAfter)
		}
	}
	if t.trace == "" {
		if x, ok := as[hasTrace](err); ok {
			t.trace = traceWord(x.TraceID())
		} else if x, ok := as[hasRequestID](err); ok {
			t.trace = traceWord(x.RequestID())
		} else if x, ok := as[hasServiceRequestID](err); ok {
			t.trace = traceWord(x.ServiceRequestID())
		}
	}
}

// answer returns the facts as an Error, or nil if there is neither code nor status.
func (t *facts) answer() *Error {
	if t.code == "" && t.status == 0 {
		return nil
	}
	e := &Error{Status: t.status, RetryAfter: t.wait, TraceID: t.trace}
	if t.code != "" {
		e.Details = []Detail{{Code: t.code}}
	}
	return e
}

// opinion classifies the facts.
func (t *facts) opinion(c *Catalog) (o opinion) {
	details := [1]Detail{{Code: t.code}}
	e := Error{Status: t.status, RetryAfter: t.wait, Details: details[:]}
	switch {
	case t.code != "":
		o.rank = byCode
	case t.status != 0:
		o.rank, e.Details = byStatus, nil
	default:
		return o
	}
	c.answer(&e, &o.Verdict)
	return o
}

// adapted returns the Error that an adapter makes of this one error, or nil.
func (c *Catalog) adapted(err error) *Error {
	for i := range c.adapters {
		if e, ok := c.adapters[i].adapt(err); ok {
			return &e
		}
	}
	return nil
}

// Answer returns err as an answer: the first [*Error] in it, or the Error that an adapter
// makes of one, or else what the errors in it report by their methods. It returns nil if
// there is none of these. The package documentation lists the methods.
func (c *Catalog) Answer(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		return e
	}
	var answer *Error
	var t facts
	errtree.Walk(err, func(err error) bool {
		if answer == nil {
			answer = c.adapted(err)
			t.add(c, err)
		}
		return answer == nil
	})
	if answer == nil {
		answer = t.answer()
	}
	return answer
}

// An Adapter turns the errors of one library into an [Error]. See [Adapt].
type Adapter struct{ adapt func(error) (Error, bool) }

// Adapt makes an Adapter for errors of type E, which it finds as errors.As does. Use it
// for a library whose errors keep their values in fields.
//
//	var stripeErrors = classify.Adapt(func(e *stripe.Error) classify.Error {
//		return classify.Error{
//			Status:  e.HTTPStatusCode,
//			Details: []classify.Detail{{Code: classify.Code(e.Code), Message: e.Msg}},
//			TraceID: e.RequestID,
//		}
//	})
//	catalog = catalog.WithAdapters(stripeErrors)
//
// Adapt drops codes that no answer can have, and cuts and cleans texts like those of a
// parsed answer. f must be safe for concurrent use. If f returns neither a status nor
// details, or panics, for example on a nil field, the error is classified as if there
// were no adapter.
func Adapt[E error](f func(E) Error) Adapter {
	return Adapter{func(err error) (e Error, ok bool) {
		own, is := as[E](err)
		if !is || errtree.Nil(own) {
			return e, false
		}
		defer func() {
			if recover() != nil {
				e, ok = Error{}, false
			}
		}()
		e = f(own).tidy()
		return e, e.Status != 0 || len(e.Details) > 0
	}}
}

// WithAdapters returns a copy of the catalog that also reads the errors of these
// libraries. If several adapters match a type, the first one counts. A zero Adapter reads
// nothing.
func (c *Catalog) WithAdapters(adapters ...Adapter) *Catalog {
	n := *c
	n.adapters = slices.DeleteFunc(slices.Concat(c.adapters, adapters), func(a Adapter) bool { return a.adapt == nil })
	return &n
}

// tidy cleans an Error that the program made as if it had been parsed.
func (e Error) tidy() Error {
	if e.Status < minStatus || e.Status > maxStatus {
		e.Status = 0
	}
	e.RetryAfter = min(max(e.RetryAfter, 0), maxRetryAfter)
	e.TraceID = traceWord(e.TraceID)
	details := make([]Detail, 0, min(len(e.Details), maxDetails))
	for i, d := range e.Details {
		if !d.Code.Valid() {
			d.Code = ""
		}
		if i == maxDetails {
			e.partial = true
			break
		}
		details = append(details, Detail{d.Code, clean(d.Message), clean(d.Data)})
	}
	e.Details = details
	return e
}
