package nexpay

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/nexpay-go/resilience/classify"
)

// Check makes one harmless call, [Client.AccountStatus], and returns nil if the API has
// answered it. Call it when a program starts:
//
//	err := retry.Do(ctx, r, client.Check)
//
// From then on an error of the API's may prove that a payment does not exist, see
// [Payment.Verify]. A program that never had an answer before its first payment met an
// outage can prove nothing: that payment stays in doubt until some call has been
// answered. Errors are those of [Client.Do].
func (c *Client) Check(ctx context.Context) error {
	_, err := c.AccountStatus(ctx)
	return err
}

// CheckAbsent looks up an externalPaymentId that nobody has used, and returns nil if
// Payment.Absent takes the answer for what it is. Of the Payment only Client, Details
// and Absent matter. What the API answers is not documented, so call it before going
// live, in the vendor's sandbox, and whenever the program starts, after [Client.Check]:
//
//	err := retry.Do(ctx, r, nexpay.Payment{Client: client}.CheckAbsent)
//
// An [*UnprovenError] has the answer that is not recognized: set Payment.Absent to it,
// or every payment in doubt is left for a person to settle. Other errors are those of
// Verify.
func (p Payment) CheckAbsent(ctx context.Context) error {
	p.ExternalID = "check-" + rand.Text()
	_, found, err := p.Verify(ctx)
	switch {
	case found == classify.Applied && err == nil:
		return &UnprovenError{Why: "an externalPaymentId that nobody has used was found, so what a lookup finds proves nothing", Answer: &classify.Error{Status: http.StatusOK}}
	case found == classify.Absent:
		return nil
	}
	if e, ok := err.(*classify.Error); ok && classify.Nexpay().Classify(e).Class == classify.FixAndResend {
		return &UnprovenError{Why: "Payment.Absent does not take this answer for that about an unknown payment", Answer: e}
	}
	return err
}
