package retry_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// Of joined answers the strictest decides, and it is its trace that support is
// told and its text that a Fix gets.
func TestJoinedAnswers(t *testing.T) {
	traced := func(trace string, status int, c ...classify.Code) error {
		e := code(status, c...)
		e.TraceID = trace
		return e
	}
	r := newRetrier(t, retry.Config{Key: "main"})
	err := retry.Do(t.Context(), r, always(errors.Join(traced("first", 500, "-32603"), traced("other", 403, "80"), traced("locked", 403, "30", "100"))))
	e := asError(t, err)
	require.Equal(t, classify.Code("100"), e.Verdict.Code)
	require.Equal(t, "locked", e.TraceID)
	require.Equal(t, "locked", e.History[0].TraceID)
	var locked *breaker.LockedError
	require.ErrorAs(t, r.Lockout().Check("main"), &locked)
	require.Equal(t, "locked", locked.TraceID)

	var asked *classify.Error
	r = newRetrier(t, retry.Config{})
	err = retry.Do(t.Context(), r, always(errors.Join(traced("first", 500, "-32603"), traced("wrong", 400, "30010"))),
		retry.Fix(func(_ context.Context, e *classify.Error) (bool, error) { asked = e; return false, nil }))
	require.Equal(t, "wrong", asError(t, err).TraceID)
	require.Equal(t, "wrong", asked.TraceID)

	err = retry.Do(t.Context(), r, always(errors.Join(traced("coded", 500, "-32603"), traced("bare", 403))))
	require.Equal(t, "bare", asError(t, err).TraceID, "without a code the status tells")
}

// Where the verdict is about none of them, as one of somebody else's classifier
// may be, it is the first.
func TestJoinedAnswersOfNoCode(t *testing.T) {
	r := newRetrier(t, retry.Config{Classifier: classify.Func(func(error) classify.Verdict {
		return classify.Verdict{Class: classify.Fatal}
	})})
	require.Equal(t, "5f2c", asError(t, retry.Do(t.Context(), r, always(errors.Join(code(500, "-32603"), &classify.Error{Status: 418})))).TraceID)
	require.Equal(t, "5f2c", asError(t, retry.Do(t.Context(), r, always(become{code(403, "80")}))).TraceID)
	require.Empty(t, asError(t, retry.Do(t.Context(), r, always((*classify.Error)(nil)))).TraceID)
}

// become is an error that turns into an answer only when asked.
type become struct{ answer *classify.Error }

func (become) Error() string { return "become" }
func (b become) As(target any) bool {
	e, ok := target.(**classify.Error)
	if ok {
		*e = b.answer
	}
	return ok
}
