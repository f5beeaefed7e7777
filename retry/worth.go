package retry

import (
	"errors"
	"slices"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/errtree"
	"github.com/nexpay-go/resilience/internal/redact"
	"github.com/nexpay-go/resilience/internal/text"
	"github.com/nexpay-go/resilience/internal/wire"
)

// Transient marks err as worth retrying: [Do] treats it as retryable, whatever its code
// says, with the policy of its code or status if there is one. A key that the error locks
// out stays locked. The mark says nothing about what happened, so [DoOnce] still looks up
// the payment. The returned error unwraps to err. Transient(nil) is nil.
func Transient(err error) error { return marked(err, false) }

// Permanent marks err as not worth retrying: the call ends with [ErrFatal]. The returned
// error unwraps to err, so errors.As finds err in the call's error. Permanent(nil) is nil.
func Permanent(err error) error { return marked(err, true) }

func marked(err error, permanent bool) error {
	if err == nil {
		return nil
	}
	return &wire.Mark{Permanent: permanent, Err: err}
}

// applyMark applies a mark in the error to the verdict of a classifier that is no catalog,
// and so knows none.
func applyMark(err error, v *classify.Verdict) {
	m, ok := errors.AsType[*wire.Mark](err)
	switch {
	case !ok || v.Lockout:
	case m.Permanent:
		v.Class = classify.Fatal
	default:
		v.Class = classify.Retryable
	}
}

// foreign is the rule of a code from an error of another library while the Retrier has only
// the built-in table. That table must not classify it: its code 100 locks out a key.
const foreign = "a code of another API: set Config.Classifier or Config.Policies to its table"

// strange takes back what the built-in table says of the codes of errors that are no
// answers of its API, in whatever company. Their status counts, if they have one.
func (t *tables) strange(err error, v *classify.Verdict) {
	answer := answerIn(err)
	strangers := t.strangers(err)
	switch {
	case !strangers && (answer != nil || v.Code == ""):
		return
	case answer != nil:
		*v = t.catalog.Classify(errors.Join(answersIn(err)...))
		v.Effect = classify.Unknown
		return
	case v.Code == "":
		v.Effect = classify.Unknown
		return
	}
	code, told := v.Code, t.catalog.Answer(err)
	*v = classify.Verdict{Code: code, Rule: foreign}
	if told != nil && told.Status != 0 {
		told.Details = nil
		*v = t.catalog.Classify(told)
	}
}

// strangers reports whether one of the joined errors has a code and is not an answer.
func (t *tables) strangers(err error) bool {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if joined, ok := e.(interface{ Unwrap() []error }); ok {
			return slices.ContainsFunc(joined.Unwrap(), t.stranger)
		}
	}
	return false
}

func (t *tables) stranger(err error) bool {
	if err == nil {
		return false
	}
	answer, _ := errors.AsType[*classify.Error](err)
	return answer == nil && t.catalog.Classify(err).Code != "" || t.strangers(err)
}

func answersIn(err error) (answers []error) {
	errtree.Walk(err, func(e error) bool {
		answer, ok := e.(*classify.Error)
		if ok {
			answers = append(answers, answer)
		}
		return !ok
	})
	return answers
}

// textOf returns the text of an error that may be shown: all of it if Config.ShowErrors is
// set, its answer if it is an error of another library that has one, or what is safe to
// log.
func (c *call) textOf(err error) string {
	if c.r.showErrors {
		return text.Line(redact.Shown(err))
	}
	if told := c.tables.told(err); told != nil {
		return told.Error()
	}
	return redact.Text(err)
}

// told returns the answer that an error of another library describes, nil if it has no more
// than a code.
func (t *tables) told(err error) *classify.Error {
	if _, ours := err.(*classify.Error); ours || t.catalog == nil {
		return nil
	}
	if _, ok := errors.AsType[interface {
		error
		SafeError() string
	}](err); ok { // the error describes itself
		return nil
	}
	told := t.catalog.Answer(err)
	if told == nil || told.Status == 0 && (len(told.Details) == 0 || told.Details[0].Message == "") {
		return nil
	}
	return told
}
