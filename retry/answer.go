package retry

import (
	"context"
	"errors"
	"slices"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/errtree"
)

// ownError is what err says about the operation, where ctx is over. The cause
// of a context may well be the failure of another call, which errgroup makes
// it, and net/http returns it as the error of this one: nothing that it says is
// true of this request or key. It stays what it is, the Cause. An answer beside
// it, or the error of an inner call that gave up, is the operation's own.
//
//go:noinline
func ownError(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if cause == ctx.Err() || !errtree.Holds(err, cause) {
		return err
	}
	own := ownAnswer(err, cause)
	switch {
	case own == nil:
		return ctx.Err()
	case anotherCalls(cause): // whose answer must not be judged along with it
		return own
	}
	return err
}

// ownAnswer finds what an API or an inner call said, the cause left aside.
func ownAnswer(err, cause error) (own error) {
	errtree.Walk(err, func(e error) bool {
		if own != nil || errtree.Same(e, cause) {
			return false
		}
		if says(e) {
			own = e
		}
		return own == nil
	})
	return own
}

// answerIn finds the answer in err, nil if there is none. What an API said is nearly
// always at hand: a look at the type is a tenth of a walk.
func answerIn(err error) *classify.Error {
	if answer, ok := err.(*classify.Error); ok {
		return answer
	}
	answer, _ := errors.AsType[*classify.Error](err)
	return answer
}

// callIn finds the end of a call in err, nil if there is none.
func callIn(err error) *Error {
	if _, ok := err.(*classify.Error); ok {
		return nil
	}
	call, _ := errors.AsType[*Error](err)
	return call
}

// tidy is err, made safe to look into: see [errtree.Tidy].
func tidy(err error) error {
	if answer, ok := err.(*classify.Error); ok && answer != nil {
		return err
	}
	return errtree.Tidy(err)
}

// says reports whether this one error is an answer or the end of a call.
func says(err error) bool {
	switch e := err.(type) {
	case *Error:
		return e != nil
	case *classify.Error:
		return e != nil
	}
	return false
}

// deciding finds the answer in err that v is about: of joined ones it need not
// be the first, which it is where none is. Nil if there is no answer.
func deciding(err error, v *classify.Verdict) (answer *classify.Error) {
	if answer, ok := err.(*classify.Error); ok {
		return answer
	}
	found := false
	errtree.Walk(err, func(e error) bool {
		a, ok := e.(*classify.Error)
		if !ok || a == nil || found {
			return !found
		}
		if found = decided(a, v); found || answer == nil {
			answer = a
		}
		return false
	})
	if answer == nil { // an error may be made into an answer by its method As
		answer, _ = errors.AsType[*classify.Error](err)
	}
	return answer
}

// decided reports whether v can be the verdict on a.
func decided(a *classify.Error, v *classify.Verdict) bool {
	if a.Status != v.Status {
		return false
	}
	for i := range a.Details {
		code := a.Details[i].Code
		if code != "" && (code == v.Code || v.Code == "") {
			return v.Code != ""
		}
	}
	return v.Code == ""
}

// shows reports whether c is in the text of a, which stops after three.
func shows(a *classify.Error, c classify.Code) bool {
	return slices.ContainsFunc(a.Details[:min(len(a.Details), 3)], func(d classify.Detail) bool { return d.Code == c })
}
