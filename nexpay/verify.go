package nexpay

import (
	"context"
	"net/http"

	"github.com/nexpay-go/resilience/classify"
)

// Verify looks up the payment with one HTTP request, bypassing every cache that
// honours Cache-Control, and returns what the answer proves:
//
//   - Applied: a 200 with a readable paymentId and status. Any status counts: a
//     rejected payment was made, and then refused.
//   - Absent: the API's own error, for which Payment.Absent returns true.
//   - Undecided: anything else, with an error.
//
// An answer that is no evidence is an [*UnprovenError]: a bare 404, HTML, a redirect,
// an incomplete or unknown error, or an answer from a cache (Age, Warning 110 to 113,
// 304, a hit in Cache-Status or in another header named after a cache). An error of
// the API about the key, the nonce or its own state, and every 429 and 5xx, is the
// *[classify.Error] itself, so that retry can act on it. An unreadable 2xx and a
// missing answer are errors as in [Client.Do].
//
// Verify returns Absent only if the base URL is known to be the API's: this Client
// must have read a 2xx with JSON from it, not from a cache, by any call. Verify makes
// no extra call to find out, because each call takes a nonce and the context has one
// ticket. Let the program make a harmless call when it starts, see [Client.Check]:
//
//	err := retry.Do(ctx, r, client.Check)
func (p Payment) Verify(ctx context.Context) (PaymentStatus, classify.Outcome, error) {
	status, outcome, err := p.verify(ctx)
	if outcome != classify.Applied {
		status = PaymentStatus{} // without proof the answer may be about another payment
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
	// Not errors.As: only the answer itself is evidence, not an error that a
	// broken exchange wraps.
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

// proof returns nil if a 2xx answer that was decoded proves that the payment exists.
func proof(resp *http.Response) error {
	answer := &classify.Error{Status: resp.StatusCode}
	switch by := fromCache(resp); {
	case by != "":
		return &UnprovenError{Why: "it came from a cache (" + by + ")", Answer: answer}
	case resp.StatusCode != http.StatusOK:
		return &UnprovenError{Why: "only a 200 is proof", Answer: answer} // 203 and 206 come from a proxy
	}
	return nil
}

// refusal returns nil if the error answer proves that the payment does not exist.
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
		why = "it came from a cache (" + by + ")"
	case !e.Complete():
		why = "it is not a complete error of the API with its codes"
	case mayMeanAbsent(e) && absent(e):
		if p.Client.answered() {
			return nil
		}
		why = "the base URL is not yet known to be the API's (call Client.Check at start)"
	default:
		if _, known := classify.Nexpay().Lookup(v.Code); known {
			return e
		}
	}
	return &UnprovenError{Why: why, Answer: e}
}

// sought decodes the status of the payment with that externalPaymentId. The answer
// need not contain the id; an answer with another id is about another payment.
type sought struct {
	PaymentStatus
	id string
}

func (s *sought) UnmarshalJSON(data []byte) error {
	if err := s.PaymentStatus.UnmarshalJSON(data); err != nil {
		return err
	}
	fields, _ := members(data) // decoded above without error
	if named, ok := fields[externalID]; ok && string(named) != "null" && scalar(named) != s.id {
		return mistake("nexpay: the payment status has another externalPaymentId")
	}
	return nil
}
