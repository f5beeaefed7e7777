// Package classify turns the error of a failed API call into a verdict: whether a retry
// can help, and whether the request may have taken effect.
//
// A [Verdict] has two axes. Its [Class] says what would help: waiting, a newer nonce,
// another request, or nothing. Its [Effect] says what is known about the server: either
// the answer says that the request changed nothing, or it may have been executed.
//
// [FromResponse] and [ReadJSON] turn an HTTP answer into an [*Error]. A [Catalog] turns
// that, or any other error of a call, into a Verdict. [Nexpay], [JSONRPC] and [SQLState]
// are ready-made. [NewCatalog] makes a catalog for another API, [Catalog.With] adds
// rules, and [Catalog.WithShape] describes the answers of that API. This package only
// classifies: it sends nothing and keeps no state.
//
// # Which error decides
//
// [Catalog.Classify] walks through wrapped errors. The first of these that it finds
// decides:
//
//   - an error that the program marked with retry.Transient or retry.Permanent;
//   - an [*Error], or the Error that an [Adapter] of the catalog makes of an error: its
//     codes, or the HTTP status if no rule matches the code;
//   - the methods of the errors: ErrorCode() int or string (other than 0 and ""),
//     StatusCode(), HTTPStatusCode() or HTTPCode() int, RetryAfter() time.Duration,
//     TraceID(), RequestID() or ServiceRequestID() string, and under [SQLState] alone
//     SQLState() string. For each value the outermost error that has it counts. The
//     values are then classified like an answer;
//   - context.Canceled: [Unclassified], because the caller asked to stop;
//   - a 2xx that cannot be read: [Retryable] if it was cut off or marked [Undecodable],
//     otherwise [Fatal]; the effect is [Unknown];
//   - an error of the connection. If the connection was never made (dial, DNS, proxy, or
//     a first TLS record that is not TLS), nothing was written: [Retryable],
//     [NotApplied]. A server certificate that is not accepted is [Fatal], [NotApplied].
//     Anything later, such as a timeout, a reset or an unexpected end, is [Retryable],
//     [Unknown]. So is a failed HTTP request for which Go has no type, and a TLS
//     handshake that ended in an alert or an EOF: these look the same as a failure after
//     the request was sent;
//   - an error with a method NotSent() bool that returns true: [Fatal], [NotApplied]. A
//     client returns it for a mistake of the program that it found before it wrote
//     anything. It comes last, because around an error of an HTTP exchange it would prove
//     nothing.
//
// Any other error is [Unclassified], effect [Unknown]. The text of an error is never
// read.
//
// "Nothing was written" holds for the one connection that the error is about. It proves
// little about a client that sends a request more than once: the request may have been
// executed, and the connection that failed may be the one to the target of a redirect. So
// rely on it only with a client that refuses redirects,
//
//	&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
//
// and that repeats no request by itself. (Package net/http also sends an API key in a
// header, and after a 307 the body, to the host that a redirect names.) net/http repeats
// a request that has no body or has a GetBody: over HTTP/1 if its method is GET, HEAD,
// OPTIONS or TRACE or if it has an Idempotency-Key, over HTTP/2 always. retry.DoOnce does
// not rely on the client: it watches the connections themselves.
//
// # Several codes in one answer
//
// The strictest class wins: Fatal, then FixAndResend, Unclassified, Resync and Retryable.
// A code that locks the key out always locks it out. This holds for the first 1016 errors
// of an answer, of which 16 are kept; with more errors the class is at least
// Unclassified.
//
// The effect is NotApplied only if all of these hold: every code says so; the HTTP status
// can be a refusal (4xx other than 408, 425 and 429); the answer was read whole, that is,
// it was not cut off and has nothing that could be an error in another form, such as a
// JSON list or compressed bytes. A code without a rule leaves the effect Unknown under
// any status, because it may mean "already paid". An answer without a code is NotApplied
// if its status is a refusal by itself: a 4xx with a registered meaning, other than those
// three and 409.
//
// The same rules apply to joined errors. A joined error that nothing recognises makes the
// effect Unknown.
package classify
