// Package proof determines whether a failed send is proved to have changed nothing (M3). It
// collects the evidence from errors and connections; internal/protocol decides.
package proof

import (
	"errors"
	"net/http"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/errtree"
	"github.com/nexpay-go/resilience/internal/protocol"
	"github.com/nexpay-go/resilience/internal/wire"
)

// A Proof checks whether a failed send changed nothing.
type Proof struct {
	Classifier classify.Classifier
	Catalog    *classify.Catalog // the classifier, if it is one
	NoReplay   bool              // the caller assures that nothing below repeats requests
	Wire       *Wire
	Nested     func(error) bool // reports whether an error is that of another call
}

// Holds reports whether a send is proved to have changed nothing. came is its error, err
// the part of it that was kept, and v the verdict on err.
func (p *Proof) Holds(came, err error, v *classify.Verdict) bool {
	return p.holds(err, v, !errtree.Same(came, err))
}

// holds checks one error. Of joined errors it checks each, and all must agree.
func (p *Proof) holds(err error, v *classify.Verdict, trimmed bool) bool {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		if _, unsent := inner.(*wire.Unsent); unsent { // what is inside is about something else
			return protocol.Decide.Proved(protocol.Evidence{
				Claimed: true, Unsent: true, Trimmed: trimmed, Asked: int(p.Wire.asked.Load()), Got: int(p.Wire.got.Load()),
			})
		}
		if _, body := inner.(*wire.BodyError); body { // some of it may have been sent
			return protocol.Decide.Proved(p.evidence(err, v, true))
		}
		if _, answer := inner.(*classify.Error); answer || p.Nested(inner) {
			return protocol.Decide.Proved(p.evidence(inner, v, trimmed))
		}
		if joined, ok := inner.(interface{ Unwrap() []error }); ok {
			return p.allHold(joined.Unwrap(), trimmed)
		}
	}
	return protocol.Decide.Proved(p.evidence(err, v, trimmed))
}

func (p *Proof) allHold(errs []error, trimmed bool) bool {
	some := false
	for _, err := range errs {
		if err == nil {
			continue
		}
		v := p.Classifier.Classify(err)
		if !p.holds(err, &v, trimmed) {
			return false
		}
		some = true
	}
	return some
}

// evidence returns the evidence of one error and of the connections of the send.
func (p *Proof) evidence(err error, v *classify.Verdict, trimmed bool) protocol.Evidence {
	e := protocol.Evidence{
		NoReplay: p.NoReplay,
		Trimmed:  trimmed,
		Claimed:  v.Effect == classify.NotApplied,
		Asked:    int(p.Wire.asked.Load()),
		Got:      int(p.Wire.got.Load()),
	}
	// Found by a method As as well: so the classifier finds it.
	answer, read := errors.AsType[*classify.Error](err)
	switch {
	case p.Nested(err):
		e.Nested = true
	case read && answer != nil:
		e.Answer = true
		e.Refused = e.Claimed && answer.Complete() && refusal(answer.Status) && p.known(answer.Details)
		e.Resync = v.Class == classify.Resync || p.resyncs(answer)
	default:
		e.Answer = v.Code != "" || v.Status != 0
		told := p.told(err, v)
		e.Refused = e.Claimed && v.Code != "" && told.Complete() && p.known(told.Details) && refusals(err) && (v.Status == 0 || refusal(v.Status))
		e.Resync = v.Class == classify.Resync || p.resyncs(told)
		e.Unsent = NotSent(err)
	}
	return e
}

// refusal reports whether an answer with that status may be a refusal.
func refusal(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status <= 499
}

// refusals is refusal for every status that an error of the caller's reports, in any of its
// layers. A status of 0 or less is ignored.
func refusals(err error) bool {
	all := true
	told := func(status int) { all = all && (status <= 0 || refusal(status)) }
	errtree.Walk(err, func(e error) bool {
		if e, ok := e.(interface{ StatusCode() int }); ok {
			told(e.StatusCode())
		}
		if e, ok := e.(interface{ HTTPStatusCode() int }); ok {
			told(e.HTTPStatusCode())
		}
		if e, ok := e.(interface{ HTTPCode() int }); ok {
			told(e.HTTPCode())
		}
		return all
	})
	return all
}

// told returns the answer that an error of the caller describes. With a classifier that
// is not a catalog, only its verdict is known.
func (p *Proof) told(err error, v *classify.Verdict) *classify.Error {
	if p.Catalog != nil {
		if answer := p.Catalog.Answer(err); answer != nil {
			return answer
		}
	}
	return &classify.Error{Status: v.Status, Details: []classify.Detail{{Code: v.Code}}}
}

// known reports whether there is a rule for each of the codes. With a classifier that is
// not a catalog, its verdict counts.
func (p *Proof) known(details []classify.Detail) bool {
	if p.Catalog == nil {
		return true
	}
	for _, d := range details {
		if _, ok := p.Catalog.Lookup(d.Code); !ok {
			return false
		}
	}
	return true
}

// resyncs reports whether any of several errors asks for a newer nonce, whichever of them
// decided the class.
func (p *Proof) resyncs(e *classify.Error) bool {
	for i := range e.Details {
		one := classify.Error{Status: e.Status, Details: e.Details[i : i+1]}
		if p.Classifier.Classify(&one).Class == classify.Resync {
			return true
		}
	}
	return false
}

// NotSent reports whether err itself says that nothing was written.
func NotSent(err error) bool {
	said, ok := errors.AsType[interface {
		error
		NotSent() bool
	}](err)
	return ok && said != nil && said.NotSent()
}
