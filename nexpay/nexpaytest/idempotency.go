package nexpaytest

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// Idempotency has the bank keep idempotency keys, as many APIs do and the
// vendor does not document. It is for tests of operations that may be sent again
// as they are.
//
// A key is what a request carries in Header or Field; one without is executed as
// ever, and so is a lookup. It counts for one API key and one path. Once a request with a key was
// executed, the bank remembers key, body and answer: another one with the same
// body gets the same answer again (status and body, and a header
// Idempotent-Replayed: true) and is not executed; while the first is under way
// it gets UnderWay, and with another body OtherBody. A request that is refused
// is not remembered, and its key is free for another body. All this comes after
// the checks: a request with a used nonce is refused with 50 first.
//
// The first is under way from the moment the bank executes it until its
// Fault.DelayAfter has passed, whether or not its client still waits. What is
// kept is the bank's own answer, whatever the Fault did to it on its way, but for
// a Fault with Execute and a Code or Errors: that is an error of the API's own,
// and the one that is repeated from then on. A Fault without Execute that takes
// the place of an answer takes that of a repeated one as well.
type Idempotency struct {
	// For is how long a key is remembered, counted from the execution of the
	// first request with it. Then the next one is executed. A key is not
	// forgotten while the first is under way. Zero: no keys are kept.
	For time.Duration

	Header string // holds the key; empty, and no Field: Idempotency-Key
	Field  string // of the form that holds the key instead of a header, such as externalPaymentId

	// UnderWay and OtherBody answer as Config.UnknownPayment does, and may have a
	// RetryAfter or Header. Zero: 409 with code 40900, and 422 with code 42200.
	// [classify.Nexpay] has a rule for neither, and takes an unknown 409 for
	// fatal: a client that is to wait for the first request needs a catalog with
	// a rule for its code. No code should be chosen whose rule claims NotApplied:
	// the first request may well have been executed.
	UnderWay, OtherBody Fault
}

// The codes of UnderWay and OtherBody where a test does not choose others.
const (
	codeUnderWay  classify.Code = "40900"
	codeOtherBody classify.Code = "42200"
)

func (i *Idempotency) check() error {
	var errs []error
	if i.For < 0 {
		errs = append(errs, errors.New("nexpaytest: Config.Idempotency.For is negative"))
	}
	if i.Header != "" && i.Field != "" {
		errs = append(errs, errors.New("nexpaytest: Config.Idempotency has a Header and a Field: the key is in one of them"))
	}
	if i.Header != "" && !token(i.Header) {
		errs = append(errs, errors.New("nexpaytest: Config.Idempotency.Header cannot be sent"))
	}
	for name, f := range map[string]*Fault{"UnderWay": &i.UnderWay, "OtherBody": &i.OtherBody} {
		if err := f.check(); err != nil {
			errs = append(errs, fmt.Errorf("nexpaytest: Config.Idempotency.%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// fill in what was left to the bank.
func (i *Idempotency) fill() {
	if i.Header == "" {
		i.Header = "Idempotency-Key"
	}
	if f := &i.UnderWay; !f.answers() {
		f.Status, f.Code, f.Message = http.StatusConflict, codeUnderWay, "A request with this idempotency key is under way"
	}
	if f := &i.OtherBody; !f.answers() {
		f.Status, f.Code, f.Message = http.StatusUnprocessableEntity, codeOtherBody, "This idempotency key was used with another body"
	}
}

// A keptName is what a key is remembered by.
type keptName struct{ key, path, name string }

// A kept is what the bank remembers of the first request with a key.
type kept struct {
	body     string
	underWay time.Time // until then
	until    time.Time // it is remembered
	answer   answer
}

// keptName returns the name that a request asks for; ok is false if it asks for
// none.
func (b *Bank) keptName(c *call) (name keptName, ok bool) {
	i := &b.config.Idempotency
	name = keptName{key: c.header.Get("X-API-KEY"), path: c.path}
	if i.Field != "" {
		name.name, _ = c.form.Get(i.Field)
	} else {
		name.name = c.header.Get(i.Header)
	}
	return name, i.For > 0 && name.name != ""
}

// remembered answers a request whose key was used already; ok is false if it is
// to be executed. The caller holds mu.
func (b *Bank) remembered(entry *Request, c *call) (a answer, ok bool) {
	name, ok := b.keptName(c)
	if !ok {
		return answer{}, false
	}
	first, now := b.kept[name], time.Now()
	switch {
	case first == nil || !now.Before(first.until) && !now.Before(first.underWay):
		return answer{}, false
	case first.body != c.form.Encode():
		return b.objection(entry, &b.config.Idempotency.OtherBody), true
	case now.Before(first.underWay):
		return b.objection(entry, &b.config.Idempotency.UnderWay), true
	}
	entry.Replayed = true
	a = first.answer
	a.header = a.header.Clone()
	a.header.Set("Idempotent-Replayed", "true")
	return a, true
}

func (b *Bank) objection(entry *Request, f *Fault) answer {
	a := f.answer(entry.TraceID)
	f.spoil(&a)
	entry.Refusal = a.code
	return a
}

// keep remembers a request that was executed. own is the bank's answer, and sent
// the one that takes its place. The caller holds mu.
func (b *Bank) keep(c *call, f *Fault, own, sent answer) {
	name, ok := b.keptName(c)
	if !ok {
		return
	}
	if f.Code != "" || len(f.Errors) > 0 {
		own = sent
	}
	own.header = own.header.Clone()
	now := time.Now()
	b.kept[name] = &kept{
		body: c.form.Encode(), answer: own,
		underWay: now.Add(f.DelayAfter), until: now.Add(b.config.Idempotency.For),
	}
}
