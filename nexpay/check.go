package nexpay

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/nexpay-go/resilience/classify"
)

// Check makes one harmless call, [Client.AccountStatus], and returns nil if the API
// has answered it. Call it when a program starts:
//
//	err := retry.Do(ctx, r, client.Check)
//
// After that, an error answer of the API can prove that a payment does not exist, see
// [Payment.Verify]. Without it, a program whose first payment meets an outage can
// prove nothing: the payment stays in doubt until some call has been answered. The
// errors are those of [Client.Do].
func (c *Client) Check(ctx context.Context) error {
	_, err := c.AccountStatus(ctx)
	return err
}

// CheckAbsent looks up an externalPaymentId that nobody has used, and returns nil if
// Payment.Absent recognizes the answer. It uses only the fields Client, Details and
// Absent. The API's answer is not documented, so call CheckAbsent in the vendor's
// sandbox before going live, and after [Client.Check] whenever the program starts:
//
//	err := retry.Do(ctx, r, nexpay.Payment{Client: client}.CheckAbsent)
//
// An [*UnprovenError] contains an answer that is not recognized. Set Payment.Absent
// to accept it, or a person must settle every payment in doubt. Other errors are
// those of Verify.
func (p Payment) CheckAbsent(ctx context.Context) error {
	p.ExternalID = "check-" + rand.Text()
	_, found, err := p.Verify(ctx)
	switch {
	case found == classify.Applied && err == nil:
		return &UnprovenError{Why: "an externalPaymentId that nobody has used was found, so a lookup that finds a payment proves nothing", Answer: &classify.Error{Status: http.StatusOK}}
	case found == classify.Absent:
		return nil
	}
	if e, ok := err.(*classify.Error); ok && classify.Nexpay().Classify(e).Class == classify.FixAndResend {
		return &UnprovenError{Why: "Payment.Absent does not recognize this answer to the lookup of an unknown payment", Answer: e}
	}
	return err
}
