// Package nexpaytest is a bank against which to test a client of the Nexpay API: over
// HTTP on loopback ([Bank.Start]) or, for virtual time, in the process
// ([Bank.RoundTripper]).
//
// It enforces the rules that the vendor documents, and is strict where a client would
// otherwise discover a mistake with real money. Where the vendor documents nothing,
// it accepts what public clients send; its assumptions are listed here and in
// [Config]. Never give it a real secret.
//
// # How a request is checked
//
// An unknown path is 404 and a wrong method 405, without JSON in the body. Then the
// checks follow, and the first that fails gives the answer: header X-API-KEY missing
// (10), X-NONCE missing (20), X-Signature missing (30), key unknown (40), nonce not a
// number below 2^53−2 (60), nonce not above the key's last (50), signature wrong
// (70), path forbidden to the key (80), state of the key (90 to 121). This is the
// order of the codes, except that 60 must come before 50. The signature covers the
// un-encoded form, rebuilt in the order sent, the un-encoded query (with
// Config.EncodedQuery also as it was sent), and the path as sent or un-encoded. A
// bare trailing "?" is never signed. A body whose Content-Type is not a form's is
// ignored, so a signature over it is wrong. A nonce is used up once the signature is
// right, even if the request is refused later. With Config.SpendRefused it is used up
// as soon as it is known to be above the last.
//
// Then the parameters are checked. Two fields with one name, or a field with an
// invalid value, are 30010. Lookups and changes need exactly one of externalPaymentId
// and clientPaymentId (none: 20000, both: 20010). A new payment has the fields of a
// [nexpay.Order] and no others: a mandatory field that is missing or empty is 200, an
// unknown or misplaced one is 70. If the key has a PaymentSecret, the last field must
// be the right transactionSignature; a wrong one is 70, a missing one 200. amount
// must be a decimal number above 0, requestTime a number of milliseconds,
// useGbxForFee true or false. With Config.AnyFields a payment may have any fields in
// any order; only amount and clientPaymentId are checked. Rescheduling needs
// executionTime, a future time in RFC 3339 or in milliseconds since 1970; otherwise
// the answer is 20120. Rescheduling and cancelling need a pending payment; otherwise
// the answer is 30000. A clientPaymentId in a lookup means the payment created with
// it, or else the payment with that paymentId.
//
// # What it answers
//
// Account status, history and paymentId have the form that public clients decode:
// paymentId is text. An account has a million euros before its first payment, and a
// payment that exceeds the balance is not refused. The history is that of one
// account, for the days fromDate to toDate (2026-03-01, inclusive, in UTC). Its
// entries are made up. So are deposit details, commission, and payment details other
// than paymentId and status: their fields are not documented. The bank accepts no
// batches, so every batch is unknown. [Bank.AddRoute] adds the other calls that a
// program makes.
//
// # Idempotency keys
//
// The vendor documents none, and an externalPaymentId that is sent twice is paid
// twice. [Config].Idempotency is for clients of APIs that have idempotency keys: the
// bank keeps a key for some time and then forgets it, repeats its answer, and refuses
// a request that comes too early or uses the key for another body. The field
// Idempotent of an operation in package retry relies on that.
//
// # Faults
//
// A [Fault] replaces the bank's answer, or spoils it, for the next requests
// ([Bank.Script]) or for those that a [Rule] selects. The bank still makes its
// checks, as it would behind a broken gateway: a nonce counts as used, and [Request]
// reports the result of the checks.
package nexpaytest
