package classify

import (
	"errors"
	"strconv"
	"time"

	"github.com/nexpay-go/resilience/internal/errtree"
)

// What an error that is not ours may tell about itself, each by a method. Fields are
// never read by their names: Code is the API's code in one library and the HTTP
// status in another. For errors that keep all in fields there is [Adapt].
type (
	tellsNumber    interface{ ErrorCode() int }
	tellsWord      interface{ ErrorCode() string }
	tellsSQLState  interface{ SQLState() string }
	tellsStatus    interface{ StatusCode() int }
	tellsHTTP      interface{ HTTPStatusCode() int }
	tellsGax       interface{ HTTPCode() int }
	tellsWait      interface{ RetryAfter() time.Duration }
	tellsTrace     interface{ TraceID() string }
	tellsRequestID interface{ RequestID() string }
	tellsAWS       interface{ ServiceRequestID() string }
)

// codeOf is the code that this one error tells.
func (c *Catalog) codeOf(err error) Code {
	if x, ok := as[tellsNumber](err); ok {
		if n := x.ErrorCode(); n != 0 {
			return c.numbered(n)
		}
	}
	if x, ok := as[tellsWord](err); ok {
		if code := wordCode(x.ErrorCode()); code != "" && !c.shape.isSuccess(code) {
			return code
		}
	}
	if c.sqlState {
		if x, ok := as[tellsSQLState](err); ok {
			return wordCode(x.SQLState())
		}
	}
	return ""
}

// numbered is the code for a number. It does not allocate where a rule is for that
// code alone.
func (c *Catalog) numbered(n int) Code {
	var buf [20]byte
	digits := strconv.AppendInt(buf[:0], int64(n), 10)
	if own := c.index.Intern(string(digits)); own != "" {
		return Code(own)
	}
	return Code(digits)
}

// statusOf is the HTTP status that this one error tells, 0 if none.
func statusOf(err error) int {
	status := 0
	if x, ok := as[tellsStatus](err); ok {
		status = x.StatusCode()
	} else if x, ok := as[tellsHTTP](err); ok {
		status = x.HTTPStatusCode()
	} else if x, ok := as[tellsGax](err); ok {
		status = x.HTTPCode() // -1: none
	}
	if status < minStatus || status > maxStatus {
		return 0
	}
	return status
}

// told is what the errors of one chain tell by their methods: of each thing, what the
// outermost says that says anything. One layer of a library knows the code and another
// the status.
type told struct {
	code   Code
	status int
	wait   time.Duration
	trace  string
}

func (t *told) add(c *Catalog, err error) {
	if t.code == "" {
		t.code = c.codeOf(err)
	}
	if t.status == 0 {
		t.status = statusOf(err)
	}
	if t.wait == 0 {
		if x, ok := as[tellsWait](err); ok {
			t.wait = min(max(x.RetryAfter(), 0), maxRetryAfter)
		}
	}
	if t.trace == "" {
		if x, ok := as[tellsTrace](err); ok {
			t.trace = traceWord(x.TraceID())
		} else if x, ok := as[tellsRequestID](err); ok {
			t.trace = traceWord(x.RequestID())
		} else if x, ok := as[tellsAWS](err); ok {
			t.trace = traceWord(x.ServiceRequestID())
		}
	}
}

// answer is all that as an Error; nil if there is neither code nor status.
func (t *told) answer() *Error {
	if t.code == "" && t.status == 0 {
		return nil
	}
	e := &Error{Status: t.status, RetryAfter: t.wait, TraceID: t.trace}
	if t.code != "" {
		e.Details = []Detail{{Code: t.code}}
	}
	return e
}

// opinion is that of an error that tells so much.
func (t *told) opinion(c *Catalog) (o opinion) {
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

// adapted is what an adapter makes of this one error; nil if none knows it.
func (c *Catalog) adapted(err error) *Error {
	for i := range c.adapters {
		if e, ok := c.adapters[i].adapt(err); ok {
			return &e
		}
	}
	return nil
}

// Answer returns what err says as an answer: the first [*Error] in it, or one that an
// adapter makes; or else what the errors in it tell by their methods. It is nil if
// nothing does. See the package documentation for the methods.
func (c *Catalog) Answer(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		return e
	}
	var answer *Error
	var t told
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

// Adapt makes an Adapter of errors of type E, which are found by errors.As: for a
// library that keeps what its errors tell in fields.
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
// Codes that no answer can have are left out, and texts are cut and cleaned like those
// of an answer that was read. f must be safe for concurrent use. Where it returns neither a
// status nor details, or panics, as it may on a nil field, the error is judged as if there
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

// WithAdapters returns a copy of the catalog that reads the errors of these libraries
// too. Of several adapters for one type the first counts.
func (c *Catalog) WithAdapters(adapters ...Adapter) *Catalog {
	n := *c
	n.adapters = append(c.adapters[:len(c.adapters):len(c.adapters)], adapters...)
	return &n
}

// tidy makes an Error that somebody made by hand like one that was read.
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
