package temporalretry

import (
	"encoding/json"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/nexpay-go/resilience/internal/engine"
	"github.com/nexpay-go/resilience/retry"
)

// Details are what a workflow sees of a call's end, see [DetailsOf]. They hold no
// request data.
type Details struct {
	Reason  string `json:"reason"`            // the sentinel of package retry, in a word: "attempts", "outcome-unknown"
	Code    string `json:"code,omitempty"`    // of the API, that decided; empty: none
	Status  int    `json:"status,omitempty"`  // HTTP status of the last answer; 0: none
	TraceID string `json:"traceId,omitempty"` // what the API's support asks for
	Advice  string `json:"advice,omitempty"`  // what a person should do
	Sends   int    `json:"sends"`             // of this attempt of the activity
	Effect  string `json:"effect"`            // "unknown" or "not-applied", of all sends of the call
	ID      string `json:"id,omitempty"`      // of a payment
	Doubt   *Doubt `json:"doubt,omitempty"`   // of a payment whose outcome is unknown
}

// A Doubt is a retry.Doubt, as far as a workflow can use it.
type Doubt struct {
	Key        string        `json:"key,omitempty"`      // name of the API key it was sent with
	TraceIDs   []string      `json:"traceIds,omitempty"` // of the answers that left it in doubt
	Conclusive time.Time     `json:"conclusive"`         // from when looking is conclusive; zero: nothing is known to have been sent
	Settle     time.Duration `json:"settle"`             // then to be looked up again that much later; in nanoseconds
	Resendable time.Time     `json:"resendable"`         // until when the API keeps its idempotency key; zero: there is none
	Text       string        `json:"text"`               // all that is known and what to do, in a line
}

// DetailsOf returns those of an error that an activity ended with, as a workflow gets
// it; false if it has none of this package's.
func DetailsOf(err error) (Details, bool) {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	var held any // straight into Details it would panic where they are of another type
	if !ok || !app.HasDetails() || app.Details(&held) != nil {
		return Details{}, false
	}
	if d, ok := held.(Details); ok {
		return d, true
	}
	text, err := json.Marshal(held)
	var d Details
	if err != nil || json.Unmarshal(text, &d) != nil || d.Reason == "" {
		return Details{}, false
	}
	return d, true
}

func details(e *retry.Error) Details {
	code, status := engine.Decision(e)
	d := Details{
		Reason: engine.Word(e), Code: code, Status: status, TraceID: e.TraceID, Advice: e.Advice,
		Sends: e.Attempts, Effect: e.Effect.String(), ID: e.ID,
	}
	if locked := engine.Lock(e); locked != nil && d.Advice == "" {
		d.Advice = locked.Advice
	}
	if in := e.Doubt; in != nil {
		d.Doubt = &Doubt{
			Key: in.Key, TraceIDs: in.TraceIDs, Conclusive: in.Conclusive, Settle: in.Settle, Resendable: in.Resendable,
			Text: in.String(),
		}
	}
	return d
}
