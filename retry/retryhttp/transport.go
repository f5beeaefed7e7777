package retryhttp

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/nexpay-go/resilience/internal/wire"
	"github.com/nexpay-go/resilience/retry"
)

// A Transport is an http.RoundTripper that signs requests, judges what comes back
// and sends again what may be. Retrier is required; the other fields may be zero.
// It is safe for concurrent use, and is not to be changed while it is used.
//
// It never changes a request that it is given, and never sets an Idempotency-Key:
// package net/http would then resend a POST by itself, with the same nonce. A
// request that has one is sent as it is; the observer of the Retrier is told, unless it
// is a key of the catalog's that makes a resend safe, and there are no nonces.
type Transport struct {
	// Base sends the requests, one by one. Nil: http.DefaultTransport. A Transport
	// that is put there itself needs one.
	Base http.RoundTripper

	// Retrier decides, and remembers. Share it between all that call the same API
	// with the same keys.
	Retrier *retry.Retrier

	// Sign, if not nil, is given each request just before it is sent, a copy with
	// headers and a URL of its own, to put a signature on it. The ticket of this
	// attempt is in its context, see nonce.FromContext. To read the body it uses
	// GetBody, or reads Body and puts another one in its place. Trailers that are set
	// on the request while its body is read follow on the copy, but for those that
	// Sign has set. An error ends the call, which has sent nothing; so does a Sign that
	// changes the idempotency key, or the body of a request with one. What is signed is
	// sent once for each ticket: net/http is kept from repeating it by itself.
	Sign func(*http.Request) error

	// BufferBody is up to how many bytes of a body without GetBody are kept in
	// memory, so that it can be sent again. A longer one is sent once. Zero: none
	// is kept. It is read before anything is sent, and with it come its trailers.
	BufferBody int64

	// AlwaysError has every failure end in a *retry.Error, also where the caller
	// would get the last response.
	AlwaysError bool

	// InspectJSON says that answers are JSON, and that one with a code of an error where
	// the catalog's shape has it, "errors" at its top by default, is a failure also under
	// a 2xx, as classify.Catalog.ReadJSON has it. The body of a 2xx
	// is then read, up to 4 MiB, before the caller gets it. For [Once] that is so
	// in any case.
	InspectJSON bool

	// Judge, if not nil, looks at each 2xx that is a success so far, and returns an
	// error if it is none to the caller: a 202 that says "pending", say. What the
	// error asks for is found out as for any other, see classify.Catalog.Classify: a
	// *classify.Error with the status is retryable. Judge may read the body, up to
	// 4 MiB, which then reads as if nobody had. It must be safe for concurrent use.
	Judge func(*http.Response) error

	// NoReplay vouches that nothing below repeats requests: no proxy, no retrying
	// RoundTripper. Then a nonce that is refused proves that nothing happened, and
	// is cured, for methods that are not safe to repeat as well.
	NoReplay bool

	// AllowRedirect says whether a client may follow a redirect, which it does with
	// the headers of this request, and with its body after a 307 or 308. Nil: none
	// is followed. From a redirect that is not allowed the Location is taken away:
	// http.Client then returns the response as it is. A request of [Once] is never
	// redirected.
	AllowRedirect func(from, to *url.URL) bool

	// Endpoint says which part of the API a request is for, see retry.Endpoint.
	// Nil: the host of its URL, in small letters, without a dot at the end and
	// without the port that its scheme has anyway: one host is one breaker, however it
	// is written. (Not so one with letters outside of ASCII: its two forms are two.)
	Endpoint func(*http.Request) string

	// Name says what the call is called in its error, its events, its metrics and its log
	// lines, see retry.Named: "create payment", or the pattern of the path, and never the
	// path itself, which holds ids. Nil: method and host, "POST api.example.com".
	Name func(*http.Request) string
}

// RoundTrip is as http.RoundTripper has it. Its errors are *retry.Error, or tell
// of a mistake in the Transport or the request; the latter are no news for a
// breaker, and nothing was sent.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.check(req); err != nil {
		closeBody(req)
		return nil, err
	}
	x := &exchange{Context: req.Context(), t: t, req: req, catalog: t.Retrier.Catalog()}
	//lint:ignore SA1019 it is deprecated, and http.Client still sets it
	if wish := req.Cancel; wish != nil {
		x.Context, x.cancel = wire.Heed(x.Context, wish)
	}
	if err := x.open(); err != nil {
		return x.release(nil, err)
	}
	defer x.body.close()
	x.findKey()
	x.warn()
	if op, ok := operation(req.Context()); ok {
		return x.release(x.perform(op))
	}
	resp, err := retry.DoValue(x, t.Retrier, x.attempt, x.options()...)
	return x.release(x.outcome(resp, err))
}

// options are those of a call that is not an operation.
func (x *exchange) options() []retry.Option {
	opts := x.named(retry.Endpoint(x.t.endpoint(x.req)))
	switch {
	case !x.body.again():
		opts = append(opts, retry.Resend(retry.ResendNever))
	case repeatable(x.req.Method):
	case x.t.NoReplay:
		opts = append(opts, retry.ResendWithin(x.keeps, retry.ResendOnProofNoReplay))
	default:
		opts = append(opts, retry.ResendWithin(x.keeps, retry.ResendOnProof))
	}
	return opts
}

// CloseIdleConnections passes on that of Base: http.Client has a method of that
// name.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base().(interface{ CloseIdleConnections() }); ok && t.base() != http.RoundTripper(t) {
		c.CloseIdleConnections()
	}
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

// check finds mistakes that need no server to be found.
func (t *Transport) check(req *http.Request) error {
	switch {
	case t.Retrier == nil:
		return errors.New("retryhttp: Transport.Retrier is nil; was the error of retry.New checked?")
	case t.Base == nil && http.DefaultTransport == http.RoundTripper(t):
		return errors.New("retryhttp: the Transport is http.DefaultTransport itself: set Base to what that was")
	case t.BufferBody < 0:
		return errors.New("retryhttp: Transport.BufferBody is negative")
	case req.URL == nil:
		return errors.New("retryhttp: the request has no URL")
	}
	return nil
}

// repeatable are the methods that RFC 9110 calls idempotent. An empty one is GET.
func repeatable(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}
