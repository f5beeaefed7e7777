package retryhttp

import (
	"errors"
	"slices"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/errtree"
	"github.com/nexpay-go/resilience/retry"
)

// judged turns an error of Judge into an error about this answer. The answer was a 2xx, so
// nothing that Judge learned elsewhere proves that nothing happened. A *classify.Error is
// copied, because Judge may return the same one each time.
func judged(err error) error {
	if err = errtree.Tidy(err); err == nil {
		return nil
	}
	if call, ok := errors.AsType[*retry.Error](err); ok {
		return saidError("retryhttp: Judge failed: " + call.Error())
	}
	e, ok := errors.AsType[*classify.Error](err)
	if !ok || e == nil {
		return errors.Join(err, errAnswered)
	}
	own := *e
	own.Details = slices.Clone(e.Details)
	if err == error(e) {
		return &own
	}
	return errors.Join(&retold{&own, err}, errAnswered)
}

var errAnswered error = saidError("retryhttp: the answer was a 2xx")

// A retold error is an error of Judge with a copy of the answer that it wraps. The copy
// comes first and is shown.
type retold struct {
	answer *classify.Error
	err    error
}

func (e *retold) Error() string     { return e.answer.Error() }
func (e *retold) SafeError() string { return e.answer.Error() }
func (e *retold) Unwrap() []error   { return []error{e.answer, e.err} }
