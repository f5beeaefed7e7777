package retryhttp

import (
	"context"
	"errors"
	"net/http"

	"github.com/nexpay-go/resilience/internal/wire"
)

// request returns the copy of the request that is sent.
func (x *exchange) request(ctx context.Context, watch *wire.Watch) (*http.Request, error) {
	next, err := x.body.next()
	if err != nil {
		return nil, err
	}
	if x.t.Sign == nil {
		out := x.req.WithContext(watch.In(ctx))
		out.Body, out.ContentLength = next, x.body.length
		x.keep(out, x.body.again())
		if err := x.ready(out); err != nil {
			return nil, err
		}
		watch.Over(out, x.t.base(), !safe(x.req.Method))
		return out, nil
	}
	out := x.req.Clone(plainly(ctx))
	out.Body, out.ContentLength = next, x.body.length
	out.Cancel = nil //lint:ignore SA1019 the exchange honours it
	if x.body.again() && next != http.NoBody {
		out.GetBody = x.body.get
	}
	signed := false
	defer func() {
		if !signed && out.Body != nil { // be it by a panic
			_ = out.Body.Close()
		}
	}()
	trailer := out.Trailer.Clone()
	if err := x.t.Sign(out); err != nil {
		return nil, errors.Join(errSign, &hidden{err})
	}
	if x.key != "" && (x.payment || !repeatable(x.req.Method)) {
		if err := x.same(out); err != nil {
			return nil, err
		}
	}
	signed = true
	x.keep(out, x.body.again() && same(out.Body, next))
	x.trail(out, trailer)
	if err := x.ready(out); err != nil {
		return nil, err
	}
	return watch.Watched(out, x.t.base(), true), nil // in a context that Sign had no hand in
}

var errSign error = safeError("retryhttp: Transport.Sign failed")

// ready finds what a transport of package net/http would refuse. Such a request is not
// passed on, because net/http may already have a connection when it refuses.
func (x *exchange) ready(out *http.Request) error {
	if wire.Direct(x.t.base()) {
		if wrong := wire.Mistake(out); wrong != "" {
			_ = out.Body.Close()
			return wire.Refused(out, wrong)
		}
	}
	return nil
}

// safe reports whether the method changes nothing, so that net/http may repeat it.
func safe(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}
