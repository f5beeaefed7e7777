package temporalretry

import (
	"encoding/json"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/nexpay-go/resilience/internal/engine"
	"github.com/nexpay-go/resilience/retry"
)

// Details describe the end of a call for a workflow, see [DetailsOf]. They contain no
// request data.
type Details struct {
	Reason  string `json:"reason"`            // the sentinel of package retry in one word: "attempts", "outcome-unknown"
	Code    string `json:"code,omitempty"`    // the API's code that decided; empty: none
	Status  int    `json:"status,omitempty"`  // HTTP status of the last answer; 0: none
	TraceID string `json:"traceId,omitempty"` // for the API's support
	Advice  string `json:"advice,omitempty"`  // what a person should do
	Sends   int    `json:"sends"`             // in this attempt of the activity
	Effect  string `json:"effect"`            // "unknown" or "not-applied", of all sends of the call
	ID      string `json:"id,omitempty"`      // of a payment
	Doubt   *Doubt `json:"doubt,omitempty"`   // of a payment whose outcome is unknown
}

// A Doubt is the part of a retry.Doubt that a workflow can use.
type Doubt struct {
	Key        string        `json:"key,omitempty"`      // name of the API key it was sent with
	TraceIDs   []string      `json:"traceIds,omitempty"` // of the answers that left the payment in doubt
	Conclusive time.Time     `json:"conclusive"`         // from when a lookup is conclusive; zero: nothing is known to have been sent
	Settle     time.Duration `json:"settle"`             // the wait between two lookups after that; in nanoseconds in JSON
	Resendable time.Time     `json:"resendable"`         // until when the API keeps the idempotency key; zero: there is none
	Text       string        `json:"text"`               // all that is known and what to do, in one line
}

// DetailsOf returns the details of an activity's error as a workflow gets it. It
// returns false if the error has none of this package.
func DetailsOf(err error) (Details, bool) {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	var held any // decoding into Details would panic if they have another type
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
