// Package classify answers one question about a failed API call: what does this
// error ask of me?
//
// A [Verdict] has two axes. Its [Class] says what would help: waiting, a newer nonce,
// another request, or nothing. Its [Effect] says what is known to have happened:
// either the answer says that the request changed nothing, or it may have been
// executed.
//
// [FromResponse] and [ReadJSON] turn an HTTP answer into an [*Error]; a [Catalog]
// turns that, or any other error of a call, into a Verdict. [Nexpay], [JSONRPC] and
// [SQLState] are ready-made, [NewCatalog] makes one for another API, [Catalog.With] adds
// rules, and [Catalog.WithShape] says what that API's answers look like.
// This package acts on nothing and keeps nothing.
//
// # Whose opinion counts
//
// [Catalog.Classify] looks through wrapped errors, and takes the first of these:
//
//   - an error that the program has marked, by retry.Transient or retry.Permanent;
//   - an [*Error], or what an [Adapter] of the catalog makes of an error: its codes, or
//     the HTTP status where no rule knows the code;
//   - what the errors tell by methods, of each thing the outermost that tells it:
//     ErrorCode() int or string (other than 0 and ""), StatusCode(), HTTPStatusCode() or
//     HTTPCode() int, RetryAfter() time.Duration, TraceID(), RequestID() or
//     ServiceRequestID() string; SQLState() string under [SQLState] alone. They are
//     judged like an answer;
//   - context.Canceled: [Unclassified], because it was the caller's wish to stop;
//   - a 2xx that cannot be read: [Retryable] if it was cut or [Undecodable], otherwise
//     [Fatal]; effect [Unknown];
//   - an error of the connection. If it was never made (dial, DNS, proxy, a first TLS
//     record that is none) nothing was written: [Retryable], [NotApplied]. A certificate
//     that is not accepted is [Fatal], [NotApplied]. Anything later, such as a timeout, a
//     reset or an unexpected end, is [Retryable], [Unknown]; so is any failed HTTP
//     request for which Go has no type, and a TLS handshake that failed in an alert or
//     an EOF, which look the same as a failure after the request was sent;
//   - an error with a method NotSent() bool that returns true: [Fatal], [NotApplied]. With
//     it a client says that it found a mistake of the program's before it wrote
//     anything. It comes last, because around an error that came back out of an HTTP
//     exchange it would prove nothing.
//
// Any other error is [Unclassified], effect [Unknown]. No error is told by its text.
//
// That nothing was written is true of the connection which the error is about. Of a
// client that sends more than once it proves little: the request may have been
// executed, and what could not be reached is the place that the answer pointed to. So
// rely on it only with a client that refuses redirects,
//
//	&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
//
// (also because package net/http hands an API key in a header, and with a 307 the
// body, to whatever host a redirect names) and repeats nothing by itself, as net/http
// does with a request that has no body or a GetBody: over HTTP/1 if its method is
// GET, HEAD, OPTIONS or TRACE or it has an Idempotency-Key, over HTTP/2 always.
// retry.DoOnce does not rely on it, and looks at the connections themselves.
//
// Of several codes in one answer the strictest class wins, where Fatal is stricter
// than FixAndResend, then Unclassified, Resync and Retryable; and a code that locks
// the key out does so in any company. (This holds for the first 1016 errors of an
// answer, though only 16 are kept; with more the class is at least Unclassified.)
// The effect is NotApplied only if every code says so and the HTTP status may be a
// refusal (4xx other than 408, 425 and 429), and if the answer was read whole: not
// cut, and nothing that could be an error in another form, such as a JSON list or
// compressed bytes. A code that no rule knows says nothing, whatever the status: it may
// mean "that was paid before". An answer without a code says so where its status is a
// refusal by itself: a 4xx with a registered meaning, other than those and 409. The same
// holds for joined errors, of which those that no one recognises make the effect Unknown.
package classify
