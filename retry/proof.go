package retry

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// weigh looks at a failed send: is it proved to have changed nothing? If not,
// the operation is in doubt.
func (o *once) weigh(ctx context.Context) {
	last := o.history.last()
	p := proof{o.tables, o.noReplay, o.connected.Load()}
	if !o.trimmed && p.proved(o.err, &last.Verdict) {
		return
	}
	o.doubtBegins(last)
	o.emit(ctx, EventDoubt)
}

func (o *once) doubtBegins(last *Attempt) {
	now := time.Now()
	o.inDoubt, o.everDoubt = true, true
	o.notBefore = clock()
	o.doubt.sent(Sent{At: now.Add(-last.Took), Nonce: o.entry.Nonce}, true)
	o.doubt.traced(last.TraceID)
	o.doubt.Conclusive = now.Add(o.settleTime)
	o.doubt.Absent = 0
}

// A proof is what it takes to believe that a failed send changed nothing.
type proof struct {
	tables    *tables
	noReplay  bool // nothing below repeats requests, somebody vouches
	connected bool // a connection was made during that send
}

// proved reports whether err shows that the send which ended with it changed
// nothing. It is stricter than the verdict, which speaks of one request: a proxy
// or a client below may have sent several and shown us the last answer.
func (p *proof) proved(err error, v *classify.Verdict) bool {
	if v.Effect != classify.NotApplied || !p.noReplay && v.Class == classify.Resync {
		return false
	}
	for err != nil {
		switch x := err.(type) {
		case *classify.Error:
			return p.refused(x)
		case *Error: // of a call inside, which is judged by the table alone
			return false
		case interface{ Unwrap() []error }:
			return p.allProved(x.Unwrap())
		}
		err = errors.Unwrap(err)
	}
	// A transport error: nothing was written if there was nothing to write to.
	// net/http tells of every connection that it gets, also of those whose
	// failure it hides by trying again.
	return v.Status == 0 && v.Code == 0 && !p.connected
}

// allProved judges joined errors: they all have to agree.
func (p *proof) allProved(errs []error) bool {
	some := false
	for _, err := range errs {
		if err == nil {
			continue
		}
		v := p.tables.classifier.Classify(err)
		if !p.proved(err, &v) {
			return false
		}
		some = true
	}
	return some
}

// refused reports whether the answer is a refusal in the API's own words.
func (p *proof) refused(e *classify.Error) bool {
	if e == nil || e.Status < 400 || e.Status > 499 || !e.Complete() {
		return false
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return p.noReplay || !p.refusesNonce(e)
}

// refusesNonce reports whether any of several errors asks for a newer nonce,
// whichever of them decided the class.
func (p *proof) refusesNonce(e *classify.Error) bool {
	for i := range e.Details {
		one := classify.Error{Status: e.Status, Details: e.Details[i : i+1]}
		if p.tables.classifier.Classify(&one).Class == classify.Resync {
			return true
		}
	}
	return false
}
