package retryhttp

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/nexpay-go/resilience/internal/wire"
	"github.com/nexpay-go/resilience/retry"
)

// A Transport is an http.RoundTripper that signs requests, classifies the answers, and
// sends again what is safe to send again. Retrier is required; the other fields may be
// zero. It is safe for concurrent use and must not be changed while it is used.
//
// It never changes a request that it is given. It never sets an Idempotency-Key, because
// package net/http would then resend a POST by itself, with the same nonce. A request that
// has the header is sent with it, and the Retrier's observer gets an EventWarning, unless
// it is a key of the catalog's that makes a resend safe and there are no nonces.
type Transport struct {
	// Base sends the requests, one at a time. Nil means http.DefaultTransport. A Transport
	// that replaces http.DefaultTransport needs a Base.
	Base http.RoundTripper

	// Retrier makes the calls. Share it between all clients that call the same API with the
	// same keys.
	Retrier *retry.Retrier

	// Sign, if not nil, is called before each send with a copy of the request that has its
	// own headers and URL, to sign it. The nonce ticket of the attempt is in its context,
	// see nonce.FromContext. To read the body, it uses GetBody, or reads Body and replaces
	// it. Trailers that the caller sets while the body is read are copied, except those
	// that Sign has set.
	//
	// If Sign returns an error, the call ends and nothing is sent. So it does if Sign
	// changes the idempotency key, or the body of a request with such a key. A signed
	// request is sent once for each ticket: net/http is prevented from repeating it by
	// itself.
	Sign func(*http.Request) error

	// BufferBody is the size in bytes up to which a body without GetBody is kept in memory
	// so that it can be sent again. The body is read before anything is sent, and its
	// trailers with it. A longer body is sent once. Zero means that no body is kept.
	BufferBody int64

	// AlwaysError returns a *retry.Error for every failure, also where the caller would get
	// the last response.
	AlwaysError bool

	// InspectJSON says that answers are JSON, and that a 2xx with an error code is a
	// failure. The catalog's shape says where codes are, by default in "errors" at the top,
	// see classify.Catalog.ReadJSON. The body of a 2xx is then read, up to 4 MiB, before
	// the caller gets it. With [Once] that is always so.
	InspectJSON bool

	// Judge, if not nil, is called with each 2xx that is a success so far, and returns an
	// error if it is not one for the caller, for example a 202 that says "pending". The
	// error is classified like any other, see classify.Catalog.Classify: a *classify.Error
	// with that status is retryable. Judge may read the body, up to 4 MiB; the caller can
	// still read all of it. It must be safe for concurrent use.
	Judge func(*http.Response) error

	// NoReplay is your assurance that nothing below repeats requests: no proxy, no retrying
	// RoundTripper. Then a refused nonce proves that nothing happened, and is resynced,
	// also for methods that are not safe to repeat.
	NoReplay bool

	// AllowRedirect reports whether a client may follow a redirect, which it does with the
	// headers of this request, and after a 307 or 308 with its body. Nil means that no
	// redirect is followed. A redirect that is not allowed loses its Location header, so
	// http.Client returns the response unchanged. A request of [Once] is never redirected.
	AllowRedirect func(from, to *url.URL) bool

	// Endpoint returns which part of the API a request is for, see retry.Endpoint. Nil
	// means the host of its URL in one spelling, so that one host has one breaker: lower
	// case, without a trailing dot, and without the default port of the scheme. (A host
	// with letters outside of ASCII has two spellings.)
	Endpoint func(*http.Request) string

	// Name returns the name of the call for its error, events, metrics and log lines, see
	// retry.Named: "create payment", or the pattern of the path. Do not return the path
	// itself, which holds ids. Nil means method and host, "POST api.example.com".
	Name func(*http.Request) string
}

// RoundTrip implements http.RoundTripper. Its errors are *retry.Error, or are about a
// mistake in the Transport or the request. The latter do not count for a breaker, and
// nothing was sent.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.check(req); err != nil {
		closeBody(req)
		return nil, err
	}
	x := &exchange{Context: req.Context(), t: t, req: req, catalog: t.Retrier.Catalog()}
	//lint:ignore SA1019 it is deprecated, and http.Client still sets it
	if wish := req.Cancel; wish != nil {
		x.Context, x.cancel = wire.Honour(x.Context, wish)
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

// options returns the options of a call that is not an operation.
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

// CloseIdleConnections calls that method of Base, for http.Client.CloseIdleConnections.
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

// check finds mistakes before anything is sent.
func (t *Transport) check(req *http.Request) error {
	switch {
	case t.Retrier == nil:
		return errors.New("retryhttp: Transport.Retrier is nil; was the error of retry.New checked?")
	case t.Base == nil && http.DefaultTransport == http.RoundTripper(t):
		return errors.New("retryhttp: the Transport is http.DefaultTransport itself: set Base to the original http.DefaultTransport")
	case t.BufferBody < 0:
		return errors.New("retryhttp: Transport.BufferBody is negative")
	case req.URL == nil:
		return errors.New("retryhttp: the request has no URL")
	}
	return nil
}

// repeatable reports whether RFC 9110 calls the method idempotent. An empty method is GET.
func repeatable(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}
