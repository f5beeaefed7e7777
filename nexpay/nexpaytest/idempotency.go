package nexpaytest

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// Idempotency makes the bank keep idempotency keys, as many APIs do; the vendor
// documents none. It is for tests of operations that may be sent again as they are.
//
// A request carries its key in Header or Field. A request without a key is executed
// as usual, and so is a lookup. A key belongs to one API key and one path. Once a
// request with a key was executed, the bank stores key, body and answer. Another
// request with the same key and body gets the same answer (status and body, and a
// header Idempotent-Replayed: true) and is not executed. While the first is in
// progress, it gets UnderWay instead; with another body it gets OtherBody. A refused
// request is not stored, and its key may be used for another body. All this follows
// the checks: a request with a used nonce is refused with 50 first.
//
// The first request is in progress from its execution until its Fault.DelayAfter has
// passed, whether or not its client still waits. The stored answer is the bank's own,
// regardless of the Fault. The exception is a Fault with Execute and a Code or
// Errors: that answer is an API error, and is the one repeated later. A Fault without
// Execute that replaces an answer also replaces a repeated one.
type Idempotency struct {
	// For is how long a key is kept, from the execution of the first request with it.
	// After that, a request with the key is executed again. A key is not forgotten
	// while the first request is in progress. Zero: no keys are kept.
	For time.Duration

	Header string // the header with the key; empty, without Field: Idempotency-Key
	Field  string // the form field with the key, instead of a header, such as externalPaymentId

	// UnderWay and OtherBody are answers like Config.UnknownPayment, and may also
	// have a RetryAfter or Header. Zero: 409 with code 40900, and 422 with code
	// 42200. [classify.Nexpay] has no rule for either code, and classifies an unknown
	// 409 as fatal: a client that should wait for the first request needs a catalog
	// with a rule for its code. Do not choose a code whose rule claims NotApplied:
	// the first request may have been executed.
	UnderWay, OtherBody Fault
}

// The default codes of UnderWay and OtherBody.
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
		errs = append(errs, errors.New("nexpaytest: Config.Idempotency has a Header and a Field: set one of them"))
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

// fill sets the defaults.
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

// A keptName identifies a stored key.
type keptName struct{ key, path, name string }

// A kept is what the bank stores of the first request with a key.
type kept struct {
	body     string
	underWay time.Time // in progress until then
	until    time.Time // stored until then
	answer   answer
}

// keptName returns the name of the request's key; ok is false if it has none.
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

// remembered answers a request whose key was already used; ok is false if the request
// is to be executed. The caller holds mu.
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

// keep stores a request that was executed. own is the bank's answer, and sent the one
// that replaces it. The caller holds mu.
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
