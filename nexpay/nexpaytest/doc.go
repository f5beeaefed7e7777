// Package nexpaytest is a bank to test an integration of the Nexpay API
// against: over HTTP on loopback ([Bank.Start]) or, for virtual time, in the
// process ([Bank.RoundTripper]).
//
// It keeps the rules the vendor documents, and is strict where a client would
// otherwise find out with real money. Where the vendor documents nothing it
// takes what public clients send and says here or in [Config] what it assumes.
// Never give it a real secret.
//
// # What a request goes through
//
// An unknown path is 404 and a wrong method 405, with no JSON in the body. Then
// the checks, the first that fails giving the answer: header X-API-KEY missing
// (10), X-NONCE missing (20), X-Signature missing (30), key unknown (40), nonce
// not a number below 2^53−2 (60), nonce not above the key's last (50), signature
// wrong (70), path forbidden to the key (80), state of the key (90 to 121). The
// numbers give the order, but 60 has to come before 50. The signature is taken
// over the un-encoded form, rebuilt in the order sent, over the un-encoded query
// (with Config.EncodedQuery also as it was sent), and over the path as sent or
// un-encoded; a bare trailing "?" is never signed. A body whose Content-Type is
// not a form's counts for nothing, so a signature over it is wrong. A nonce is
// used up once the signature holds, whatever becomes of the request;
// Config.SpendRefused has it used up as soon as it is found to be above the last.
//
// Then the parameters: two fields of one name, or one that is not what its name
// promises, are 30010; lookups and changes need exactly one of externalPaymentId
// and clientPaymentId (none: 20000, both: 20010). A new payment has the fields
// of a [nexpay.Order] and no others: a mandatory one that is missing or empty is
// 200, one that the vendor does not know or that stands elsewhere is 70. If the
// key has a PaymentSecret, the last field has to be the right
// transactionSignature; otherwise the answer is 70, or 200 if there is none.
// amount has to be a decimal number above 0, requestTime a number of
// milliseconds, useGbxForFee true or false. With Config.AnyFields a payment may
// have any fields in any order, of which amount and clientPaymentId are looked
// at. Rescheduling wants executionTime, a time to come in RFC 3339 or in
// milliseconds since 1970, or answers 20120; it and cancelling want a payment
// that is pending, or answer 30000. A field clientPaymentId in a lookup means the
// payment created with it, or else the one whose paymentId it is.
//
// # What it answers
//
// Account status, history and paymentId have the form that public clients decode:
// paymentId is text. An account holds a million euros before its first payment,
// and payments beyond that are not refused. The history of one account, of the
// days fromDate to toDate (2026-03-01, inclusive, in UTC), has made-up entries, and
// deposit details, commission and payment details are made up beside paymentId
// and status: their fields are documented nowhere. The bank takes no batches, so
// it knows none. What else a program calls, [Bank.AddRoute] adds.
//
// # Idempotency keys
//
// The vendor documents none, and an externalPaymentId that comes twice is paid
// twice. For clients of APIs that keep keys there is a mode, [Config].Idempotency:
// a key is kept for a while and then forgotten, its answer is repeated, and the
// bank refuses what comes too early or under a key of something else. That is what
// the field Idempotent of an operation in package retry relies on.
//
// # Faults
//
// A [Fault] stands in for the bank's answer, or spoils it, for the next requests
// ([Bank.Script]) or for those that a [Rule] picks. The checks are made all the
// same, as the bank behind a broken gateway would make them: a nonce counts as
// used, and [Request] tells what they found.
package nexpaytest
