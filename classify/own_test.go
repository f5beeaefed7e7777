package classify_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

// Errors as libraries have them, each telling what it knows by methods.
type (
	worded  struct{ code string }
	stated  struct{ status int }
	layered struct {
		stated
		err error
	}
	waiting struct {
		worded
		wait  time.Duration
		trace string
	}
	state     struct{ code string }
	temporary struct{}
	gax       int
	amazon    string
	fields    struct {
		Code, Msg, ID string
		Status        int
		Inner         *fields
	}
)

func (w worded) Error() string              { return "secret" }
func (w worded) ErrorCode() string          { return w.code }
func (s stated) Error() string              { return "secret" }
func (s stated) StatusCode() int            { return s.status }
func (l layered) Unwrap() error             { return l.err }
func (w waiting) RetryAfter() time.Duration { return w.wait }
func (w waiting) RequestID() string         { return w.trace }
func (w waiting) HTTPStatusCode() int       { return 429 }
func (s state) Error() string               { return "secret" }
func (s state) SQLState() string            { return s.code }
func (temporary) Error() string             { return "secret" }
func (temporary) Temporary() bool           { return true }
func (f *fields) Error() string             { return "secret" }
func (g gax) Error() string                 { return "secret" }
func (g gax) HTTPCode() int                 { return int(g) }
func (a amazon) Error() string              { return "secret" }
func (a amazon) HTTPStatusCode() int        { return 400 }
func (a amazon) ServiceRequestID() string   { return string(a) }

func TestErrorsOfOnesOwn(t *testing.T) {
	c := mustCatalog(t,
		classify.Rule{Codes: "card_declined", Name: "Declined", Class: classify.Fatal, Effect: classify.NotApplied},
		classify.Rule{Codes: "7", Name: "Busy", Class: classify.Retryable})
	for name, tt := range map[string]struct {
		err  error
		want classify.Verdict
	}{
		"a word":                     {worded{"card_declined"}, classify.Verdict{Class: classify.Fatal, Effect: classify.NotApplied, Code: "card_declined", Rule: "Declined"}},
		"digits in a word":           {worded{"7"}, classify.Verdict{Class: classify.Retryable, Code: "7", Rule: "Busy"}},
		"a number":                   {coded(7), classify.Verdict{Class: classify.Retryable, Code: "7", Rule: "Busy"}},
		"no code":                    {worded{""}, classify.Verdict{}},
		"success":                    {worded{"0"}, classify.Verdict{}},
		"no code that could be":      {worded{"a\nb"}, classify.Verdict{}},
		"a word nobody knows":        {worded{"x"}, classify.Verdict{Code: "x"}},
		"a status":                   {stated{503}, classify.Verdict{Class: classify.Retryable, Status: 503, Rule: "HTTP 503"}},
		"a status of none":           {stated{-1}, classify.Verdict{}},
		"a status of gax":            {gax(503), classify.Verdict{Class: classify.Retryable, Status: 503, Rule: "HTTP 503"}},
		"a status of none of gax":    {gax(-1), classify.Verdict{}},
		"a status and a code inside": {layered{stated{429}, worded{"x"}}, classify.Verdict{Class: classify.Retryable, Code: "x", Status: 429, Rule: "HTTP 429"}},
		"a status that takes the proof back": {layered{stated{500}, worded{"card_declined"}},
			classify.Verdict{Class: classify.Fatal, Code: "card_declined", Status: 500, Rule: "Declined"}},
		"all of it": {fmt.Errorf("x: %w", waiting{worded{"x"}, 3 * time.Second, "req_7"}),
			classify.Verdict{Class: classify.Retryable, Code: "x", Status: 429, RetryAfter: 3 * time.Second, Rule: "HTTP 429"}},
		"SQLSTATE means nothing to it":       {state{"40001"}, classify.Verdict{}},
		"temporary":                          {temporary{}, classify.Verdict{Class: classify.Retryable, Rule: "connection failed"}},
		"a connection that a driver gave up": {driver.ErrBadConn, classify.Verdict{Class: classify.Retryable, Rule: "connection failed"}},
	} {
		require.Equal(t, tt.want, c.Classify(tt.err), name)
	}
	require.Equal(t, "req_7", c.Answer(fmt.Errorf("x: %w", waiting{worded{"x"}, -1, "req_7"})).TraceID)
	require.Zero(t, c.Answer(waiting{worded{"x"}, -1, "req_7"}).RetryAfter)
	require.Nil(t, c.Answer(errors.New("x")))
	require.Nil(t, c.Answer(nil))
}

func TestSQLState(t *testing.T) {
	for code, want := range map[string]classify.Verdict{
		"40001": {Class: classify.Retryable, Effect: classify.NotApplied, Code: "40001", Rule: "Serialization failure"},
		"08006": {Class: classify.Retryable, Code: "08006", Rule: "Connection exception"},
		"08001": {Class: classify.Retryable, Effect: classify.NotApplied, Code: "08001", Rule: "Connection could not be made"},
		"23505": {Class: classify.Fatal, Effect: classify.NotApplied, Code: "23505", Rule: "Integrity constraint violation"},
		"57P01": {Class: classify.Retryable, Code: "57P01", Rule: "Server is shutting down"},
		"XX000": {Code: "XX000"},
		"":      {},
	} {
		require.Equal(t, want, classify.SQLState().Classify(fmt.Errorf("x: %w", state{code})), code)
	}
	more, err := classify.SQLState().With(rule("mine", "XX000"))
	require.NoError(t, err)
	require.Equal(t, "mine", more.Classify(state{"XX000"}).Rule)
	require.Equal(t, classify.Unclassified, classify.Nexpay().Classify(state{"23505"}).Class, "no code of Nexpay's, though it is in a range of theirs")
}

func TestAdapt(t *testing.T) {
	theirs := classify.Adapt(func(f *fields) classify.Error {
		return classify.Error{Status: f.Status, Details: []classify.Detail{{Code: classify.Code(f.Inner.Code), Message: f.Inner.Msg}}, TraceID: f.Inner.ID}
	})
	c := mustCatalog(t, classify.Rule{Codes: "card_declined", Name: "Declined", Class: classify.Fatal, Effect: classify.NotApplied}).WithAdapters(theirs)
	declined := &fields{Status: 402, Inner: &fields{Code: "card_declined", Msg: "Your card was declined.\n", ID: "req_7 (x)"}}
	want := classify.Verdict{Class: classify.Fatal, Effect: classify.NotApplied, Code: "card_declined", Status: 402, Rule: "Declined"}
	require.Equal(t, want, c.Classify(fmt.Errorf("x: %w", declined)))
	answer := c.Answer(fmt.Errorf("x: %w", declined))
	require.EqualError(t, answer, "HTTP 402: card_declined Your card was declined. (trace req_7)")
	require.True(t, answer.Complete())

	more, err := c.With(rule("mine", "x"))
	require.NoError(t, err)
	require.Equal(t, want, more.Classify(declined), "rules change nothing of the adapters")
	require.Equal(t, classify.Verdict{}, c.Classify(&fields{}), "one that panics tells nothing")
	require.Equal(t, classify.Verdict{}, c.Classify((*fields)(nil)))
	require.Equal(t, classify.Verdict{}, mustCatalog(t).Classify(declined))
	odd := c.Answer(&fields{Status: 9999, Inner: &fields{Code: "a\nb"}})
	require.EqualError(t, odd, "API error: no code")
	require.False(t, odd.Complete())
}

// An adapter that has nothing to say leaves an error to what it says itself.
func TestAdapterWithoutAnOpinion(t *testing.T) {
	asked := 0
	silent := classify.Adapt(func(error) classify.Error {
		asked++
		return classify.Error{TraceID: "alone it is no answer"}
	})
	c := mustCatalog(t, classify.Rule{Codes: "23505", Name: "Duplicate", Class: classify.Fatal}).WithAdapters(silent)
	require.Equal(t, "Duplicate", c.Classify(ownCode("23505")).Rule)
	require.Equal(t, "no answer in time", c.Classify(context.DeadlineExceeded).Rule)
	require.Nil(t, c.Answer(errors.New("x")))
	require.Positive(t, asked)
}

type ownCode string

func (ownCode) Error() string       { return "x" }
func (c ownCode) ErrorCode() string { return string(c) }

// The id of a request that an error of AWS tells is what their support asks for.
func TestServiceRequestID(t *testing.T) {
	c := mustCatalog(t, classify.Rule{Codes: "7", Name: "Busy", Class: classify.Retryable})
	require.Equal(t, "req-1", c.Answer(fmt.Errorf("x: %w", amazon("req-1"))).TraceID)
}
