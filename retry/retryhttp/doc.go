// Package retryhttp puts package retry under an http.Client: it signs and sends requests,
// classifies the answers, and sends again what the method and the error allow.
//
//	client := &http.Client{Transport: &retryhttp.Transport{Retrier: r}}
//
// # What is sent again
//
// GET, HEAD, OPTIONS, TRACE, PUT and DELETE are sent again whenever the policy says so,
// because RFC 9110 allows to repeat them. Any other method, above all POST and PATCH, is
// sent again only on proof that nothing happened: a refusal by the API itself, a 421 (the
// request came to the wrong connection), or a request that was not sent, see
// retry.ResendOnProof. A refusal is a 4xx other than 408, 409, 425 and 429, with a code
// whose rule says NotApplied. A request that is an operation which can be looked up follows
// the rules of retry.DoOnce, see [Once].
//
// If the caller sets an idempotency key, in one of the headers that the catalog's
// classify.Shape names, such a request is also sent again after doubt. The resend has the
// same key and the same bytes. This ends when the API may have forgotten the key, less the
// time that a late copy may take, see retry.ResendWithin. A header that occurs twice, or is
// empty, is not a key.
//
// A body is sent again if the request has GetBody, which http.NewRequest sets for the usual
// readers, or if it fits into Transport.BufferBody. Otherwise the request is sent once.
//
// Inside an attempt of the same Retrier, for example in the Verify of an [Once], a GET is
// part of that attempt and is sent once. A request that is not safe to repeat is
// retry.ErrNested there, and nothing is sent, because both calls would control its retries.
// With retry.Apart it is an independent call.
//
// # What answers look like
//
// The catalog of the Retrier describes answers: where codes, messages and trace ids are,
// and which headers ask for a wait. If the Retrier's classifier is not a catalog, answers
// have the zero classify.Shape.
//
// If the shape names paths to codes, a 2xx may contain an error too. A small 2xx whose
// Content-Type is JSON is therefore inspected. With a Content-Length of up to 64 KiB its
// body is read before the caller gets it. Without one, it is inspected if a whole JSON
// value arrives within a tenth of a second. Any other 2xx is passed on as a stream, after
// that tenth of a second at the latest. InspectJSON inspects every 2xx, however long it
// takes and whatever its Content-Type.
//
// # What the caller gets
//
// The caller gets a response if there is one. A 2xx is returned at once, with its body
// unread. Any other status, or a 2xx that contains an error, is returned with a nil error
// when there are no more retries, and its body is what the server sent. Without a response,
// or with Transport.AlwaysError, the caller gets a *retry.Error; [Response] returns the
// answer that it ended with.
//
// http.Client wraps that error in a *url.Error, whose text has the whole URL with the
// query. Log the inner error, found by errors.As. os.IsTimeout and url.Error.Timeout work
// as for a single request, see retry.Error.Timeout.
//
// If the Retrier has a nonce source, the turn on the API key is held until the answer has
// been classified. For a 2xx that is when the header has arrived and InspectJSON, Judge or
// [Once] has read what it needs of the body. For other statuses it is when up to 64 KiB of
// the body have arrived. The attempt timeout ends then too. Reading the rest of the body is
// limited by the context of the request and by http.Client.Timeout.
//
// An answer whose body stalls or breaks off is classified by the part that arrived: a 403
// is a 403. Because the rest is unknown, its effect is unknown, and it proves nothing for a
// payment. The caller can read that part, and then an error. If the caller's context ended
// meanwhile, the *retry.Error has the verdict, and the end of the context as its Cause: a
// refusal is retry.ErrFatal, and a retryable answer is retry.ErrCanceled or
// retry.ErrDeadline. An empty 2xx over HTTP/1 that arrives after the end of the context or
// the attempt counts as no answer, because that is what a server sends when it gives up on
// a client that hung up.
//
// If an answer repeats the request's credentials, query or body, that is removed from the
// messages and the trace id of the error. For this, 64 KiB are kept of a body that can be
// read only once and of a body that Sign replaced.
//
// # What was not sent
//
// The trace of each send shows whether net/http asked for a connection and got one. Without
// a connection nothing was sent: the effect is not applied, and a payment is sent again if
// that can help. If Base is not an *http.Transport and nothing asked for a connection, the
// proof is a body that was never read; a request without a body stays in doubt. A header
// value or a URL that net/http would refuse ends the call at once with an error that names
// it, and does not count for the breaker.
//
// The page docs/http.md describes what the transport below does by itself, and what else a
// payments client should take care of.
package retryhttp
