// Package nexpay is a client of the Nexpay API: it signs requests, creates payments
// and finds out what became of them. It sends each request once; packages classify
// and retry decide what an error code requires and act on it.
//
// A lane supplies the nonces. The Retrier takes a ticket for each attempt and passes
// it on in the context, and the client signs with it:
//
//	signer, err := nexpay.NewSigner(nexpay.Credentials{Key: key, Secret: secret})
//	…
//	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
//	…
//	r, err := retry.New(retry.Config{Nonces: lane})
//	…
//	client := &nexpay.Client{BaseURL: base, Signer: signer}
//	p, err := retry.DoValue(ctx, r, func(ctx context.Context) (nexpay.PaymentStatus, error) {
//		return client.PaymentByExternalID(ctx, "order-17")
//	})
//
// Lookups may be repeated, as above. Creating a payment may not: the API has no
// idempotency key, so a payment whose answer was lost must be looked up before it is
// sent again. retry.DoOnce does that; a [Payment] provides its Send and Verify
// functions. Sign the [Order] once, with an ExternalPaymentID, without which no
// lookup can find it, and store the signed order:
//
//	order, err := signer.SignOrder(nexpay.Order{…})
//	…
//	p := nexpay.Payment{Client: client, ExternalID: "order-17", Order: order}
//	status, err := retry.DoOnce(ctx, r, retry.Operation[nexpay.PaymentStatus]{
//		ID: p.ExternalID, Fingerprint: p.Fingerprint(), Send: p.Send, Verify: p.Verify,
//	})
//
// The file nexpay/API.md lists what is known about the API, and how surely.
//
// # Before going live
//
// The API's answer for an externalPaymentId that nobody has used is not documented.
// [Payment.CheckAbsent] looks up a random one. Call it in the vendor's sandbox to see
// whether [DefaultAbsent] recognizes the answer; if it does not, set Payment.Absent.
//
// When a program starts, let it call [Client.Check], which makes one harmless call.
// An error proves that a payment does not exist only if the base URL has answered
// some call properly, see [Payment.Verify]. Without that, a first payment that fails
// stays in doubt until another call is answered. Then call [Payment.CheckAbsent],
// which shows whether the answer for an unknown id is still the expected one.
//
// No error text of this package contains a key, a signature, a query, a header or a
// body. What a server repeats of them is redacted; see [Client.Do] for the limits.
package nexpay
