// Package nexpay speaks to the Nexpay API: it signs requests, and looks
// payments up. What an error code asks of the caller, and doing it, is the
// matter of packages classify and retry; this one sends each request once.
//
// A lane draws the nonces, the engine takes a turn for every attempt and hands
// its ticket down in the context, and the client signs with it:
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
// idempotency key, so an answer that is lost has to be looked up before the
// payment is sent again. Make the form once, sign it once with
// [Signer.SignPayment], and give it an externalPaymentId, without which no
// lookup can find it.
//
// No error text of this package holds a key, a signature, a query, a header or
// a body. What a server says of them is blotted out; [Client.Do] tells how far
// that goes.
package nexpay
