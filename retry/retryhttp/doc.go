// Package retryhttp puts package retry under an http.Client: requests are signed,
// sent, judged, and sent again where their method and their errors allow it.
//
//	client := &http.Client{Transport: &retryhttp.Transport{Retrier: r}}
//
// # What is sent again
//
// GET, HEAD, OPTIONS, TRACE, PUT and DELETE whenever the policy says so: they may
// be repeated, says RFC 9110. Any other method, POST and PATCH above all, only
// where the API has refused it in words of its own, it came to the wrong connection
// (421) or nothing was sent, see retry.ResendOnProof; or by the rules of retry.DoOnce, if the request is one of
// an operation that can be looked up: see [Once]. A refusal is a 4xx other than 408, 409,
// 425 and 429, with a code whose rule says NotApplied.
//
// With an idempotency key that is the caller's, in one of the headers that the catalog's
// classify.Shape names, such a request is sent again after doubt too, with the same key
// and the same bytes, for as long as the API keeps keys, less the time that a late copy
// may take: see retry.ResendWithin. A header that is there twice, or empty, is no key.
//
// A body is sent again if the request has GetBody, as those made by
// http.NewRequest have for the usual readers, or if it fits into
// Transport.BufferBody. Otherwise the request is sent once.
//
// Inside an attempt of the same Retrier, in the Verify of an [Once] say, a GET is a
// part of that attempt: it is sent once. What is not safe to repeat is
// retry.ErrNested there, and nothing is sent, as the two could not agree on when to
// send it again; with retry.Apart it is a call of its own.
//
// # What answers look like
//
// The catalog of the Retrier says: where codes, messages and trace ids are, and which
// headers ask for a wait. Where the Retrier has a classifier that is no catalog, answers
// have the zero classify.Shape. An API whose shape names paths to codes may put errors
// into a 2xx as well, and a small one is looked at, if its Content-Type is JSON: of up to
// 64 KiB by its Content-Length, which is waited for as the answer is; or one without,
// that is a whole JSON value within a tenth of a second. Anything else is handed on as a
// stream, no later than that. InspectJSON looks at every 2xx, however long it takes
// and whatever its Content-Type.
//
// # What the caller gets
//
// A response, when there is one: a 2xx at once, with its body unread, and any
// other status, or a 2xx in which an error was found, when nothing more is to be
// tried, with a body equal to what the server sent, and no error. Otherwise, or with
// Transport.AlwaysError, a *retry.Error, out of which [Response] takes the answer that
// the request ended with.
// http.Client wraps that in a *url.Error whose text has the URL, query and all:
// log the one inside, found by errors.As. os.IsTimeout and url.Error.Timeout say of
// it what they say of one request, see retry.Error.Timeout.
//
// The turn on the API key, where the Retrier has a source of nonces, is held until
// the answer has been judged: of a 2xx until its header is in, and what InspectJSON,
// Judge and [Once] read of its body; of any other until up to 64 KiB of its body are.
// An attempt timeout ends there, too: what the caller then reads is bounded by the
// context of the request and by http.Client.Timeout.
//
// An answer whose body stalls or breaks off is judged by what has come of it: a 403 is
// a 403. As the rest is not known, neither is its effect, and it proves nothing for
// a payment. The caller can read what came, and then an error. Where it is the caller's
// context that ended meanwhile, the *retry.Error has the verdict, and the end of the
// context as its Cause: a refusal is retry.ErrFatal, what could have been sent again
// retry.ErrCanceled or retry.ErrDeadline. An empty 2xx that comes over HTTP/1 when the
// context, or the time of the attempt, is over says nothing: so answers a server that
// gives up because its client has hung up.
//
// What an answer repeats of the request's credentials, query and body is taken out of
// the messages and the trace id of the error. Of a body that can be read once, and of
// one that Sign has put in the place of another, 64 KiB are kept for that.
//
// # What was not sent
//
// The trace of each send tells whether net/http asked for a connection, and got
// one. Without one nothing was sent: the effect is not applied, and a payment is
// sent again where that can help. Where Base is no *http.Transport, and nobody asked
// for a connection, the proof is a body that was never read; a request without a body
// stays in doubt. A header value or a URL that net/http would refuse is named, ends
// the call at once, and is nothing to the breaker.
//
// What the transport below does by itself, and what else a payments client should
// see to, tells docs/http.md.
package retryhttp
