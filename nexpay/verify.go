package nexpay

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/nexpay-go/resilience/classify"
)

// Verify looks the payment up, in one HTTP send past every cache that heeds its
// Cache-Control, and says what that proves:
//
//   - Applied: a 200 with a readable paymentId and status, whichever: a rejected
//     payment was made, and refused.
//   - Absent: the API's own error, and Absent says that it means this.
//   - Undecided: all else, with an error. An answer that is no evidence is an
//     [*UnprovenError]: a bare 404, HTML, a redirect, an error that is cut, or not
//     known, or out of a cache (Age, Warning 110 to 113, 304, a hit in Cache-Status
//     or in the X-Cache headers of the common caches). What the API says about
//     key, nonce or its own state, and every 429 and 5xx, is the *[classify.Error]
//     itself, to be acted upon; an unreadable 2xx and no answer at all are errors
//     as those of [Client.Do].
//
// Absent also wants a base URL that is known to be the API's: this Client must
// have read a 2xx with JSON from it, uncached, by any call. Verify makes no call
// of its own to find out, as each one takes a nonce and the context holds one
// ticket. A program makes a harmless call when it starts, see [Client.Check]:
//
//	err := retry.Do(ctx, r, client.Check)
func (p Payment) Verify(ctx context.Context) (PaymentStatus, classify.Outcome, error) {
	status, outcome, err := p.verify(ctx)
	if outcome != classify.Applied {
		status = PaymentStatus{} // what an answer without proof says may be about another payment
	}
	return status, outcome, err
}

func (p Payment) verify(ctx context.Context) (PaymentStatus, classify.Outcome, error) {
	if p.Client == nil {
		return PaymentStatus{}, classify.Undecided, errNoClient
	}
	if p.ExternalID == "" {
		return PaymentStatus{}, classify.Undecided, errNoID
	}
	path := statusPath
	if p.Details {
		path = detailsPath
	}
	req, err := p.Client.lookup(ctx, path, Field{Name: externalID, Value: p.ExternalID})
	if err != nil {
		return PaymentStatus{}, classify.Undecided, err
	}
	found := sought{id: p.ExternalID}
	resp, err := p.Client.exchange(req, &found)
	if resp == nil {
		return PaymentStatus{}, classify.Undecided, err
	}
	if err == nil {
		err = proof(resp)
		return found.PaymentStatus, outcomeIf(err == nil, classify.Applied), err
	}
	// Not errors.As: only the answer itself is evidence, and nothing that a
	// broken exchange may wrap.
	if e, ok := err.(*classify.Error); ok {
		err = p.refusal(e, resp)
		return PaymentStatus{}, outcomeIf(err == nil, classify.Absent), err
	}
	return PaymentStatus{}, classify.Undecided, err
}

func outcomeIf(proved bool, o classify.Outcome) classify.Outcome {
	if proved {
		return o
	}
	return classify.Undecided
}

// proof returns nil if a 2xx that could be read proves that the payment exists.
func proof(resp *http.Response) error {
	answer := &classify.Error{Status: resp.StatusCode}
	switch by := fromCache(resp); {
	case by != "":
		return &UnprovenError{Why: "it came out of a cache (" + by + ")", Answer: answer}
	case resp.StatusCode != http.StatusOK:
		return &UnprovenError{Why: "only a 200 does", Answer: answer} // 203 and 206 are a proxy's work
	}
	return nil
}

// refusal returns nil if the error answer proves that there is no such payment.
func (p Payment) refusal(e *classify.Error, resp *http.Response) error {
	absent := p.Absent
	if absent == nil {
		absent = DefaultAbsent
	}
	v := classify.Nexpay().Classify(e)
	if v.Class == classify.Retryable {
		return e
	}
	why := "it is an error that does not mean an unknown payment"
	switch by := fromCache(resp); {
	case by != "":
		why = "it came out of a cache (" + by + ")"
	case !e.Complete():
		why = "it is not the API's own error, whole and with its codes"
	case mayMeanAbsent(e) && absent(e):
		if p.Client.answered() {
			return nil
		}
		why = "nothing has yet shown that the base URL is the API's (call Client.Check at start)"
	default:
		if _, known := classify.Nexpay().Lookup(v.Code); known {
			return e
		}
	}
	return &UnprovenError{Why: why, Answer: e}
}

// sought is the status of the payment with that externalPaymentId. An answer
// need not name it; one that names another is about another payment.
type sought struct {
	PaymentStatus
	id string
}

func (s *sought) UnmarshalJSON(data []byte) error {
	if err := s.PaymentStatus.UnmarshalJSON(data); err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(data, &fields) // it has just been read
	if named, ok := fields[externalID]; ok && string(named) != "null" && scalar(named) != s.id {
		return mistake("nexpay: the payment status is that of another externalPaymentId")
	}
	return nil
}
