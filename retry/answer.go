package retry

import (
	"context"
	"errors"
	"slices"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/errtree"
)

// ownError returns what err says about the operation if ctx has ended. The cause of a
// context may be the failure of another call, which errgroup makes it, and net/http returns
// the cause as the error of the request. It says nothing about this request or key, and
// remains the Cause only. An answer beside it, or the error of a nested call that gave up,
// is the operation's own.
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

// ownAnswer finds the answer of an API or the error of a nested call in err, ignoring the
// cause.
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

// answerIn finds the answer in err, nil if there is none. It checks the type of err first,
// which takes a tenth of the time of a walk and usually suffices.
func answerIn(err error) *classify.Error {
	if answer, ok := err.(*classify.Error); ok {
		return answer
	}
	answer, _ := errors.AsType[*classify.Error](err)
	return answer
}

// callIn finds the *Error of a call in err, nil if there is none.
func callIn(err error) *Error {
	if _, ok := err.(*classify.Error); ok {
		return nil
	}
	call, _ := errors.AsType[*Error](err)
	return call
}

// tidy returns err, made safe to inspect: see [errtree.Tidy].
func tidy(err error) error {
	if answer, ok := err.(*classify.Error); ok && answer != nil {
		return err
	}
	return errtree.Tidy(err)
}

// says reports whether err itself is an answer or the *Error of a call.
func says(err error) bool {
	switch e := err.(type) {
	case *Error:
		return e != nil
	case *classify.Error:
		return e != nil
	}
	return false
}

// deciding finds the answer in err that v is about, nil if there is none. With joined
// errors that need not be the first. If v is about none of them, it returns the first.
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

// shows reports whether c is in the text of a, which has at most three codes.
func shows(a *classify.Error, c classify.Code) bool {
	return slices.ContainsFunc(a.Details[:min(len(a.Details), 3)], func(d classify.Detail) bool { return d.Code == c })
}
