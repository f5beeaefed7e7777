// Package nexpay speaks to the Nexpay API: it signs requests, creates payments
// and finds out what became of them. What an error code asks of the caller, and
// doing it, is the matter of packages classify and retry; this one sends each
// request once.
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
// idempotency key, so where an answer was lost the payment has to be looked up
// before it is sent again. retry.DoOnce does that, and a [Payment] tells it how to
// send and how to find out. Sign the [Order] once, with an ExternalPaymentID, without
// which no lookup can find it, and keep what comes out:
//
//	order, err := signer.SignOrder(nexpay.Order{…})
//	…
//	p := nexpay.Payment{Client: client, ExternalID: "order-17", Order: order}
//	status, err := retry.DoOnce(ctx, r, retry.Operation[nexpay.PaymentStatus]{
//		ID: p.ExternalID, Fingerprint: p.Fingerprint(), Send: p.Send, Verify: p.Verify,
//	})
//
// What is known about the API, and how surely, stands in nexpay/API.md.
//
// # Before going live
//
// What is answered for an externalPaymentId that nobody has used is not
// documented. [Payment.CheckAbsent] looks a random one up: call it in the vendor's
// sandbox, to see whether [DefaultAbsent] takes the answer for what it is; if not, set
// Payment.Absent.
//
// When a program starts, let it make one harmless call, [Client.Check]: an error is
// believed to say that a payment does not exist only from a base URL that has
// answered some call properly, see [Payment.Verify]. Without it a first payment that
// fails stays in doubt for as long as nothing else is answered. [Payment.CheckAbsent]
// then shows whether the answer for an unknown id is still the one that is expected.
//
// No error text of this package holds a key, a signature, a query, a header or
// a body. What a server says of them is blotted out; [Client.Do] tells how far
// that goes.
package nexpay
