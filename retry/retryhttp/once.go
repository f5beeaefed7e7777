package retryhttp

import (
	"context"
	"net/http"

	"github.com/nexpay-go/resilience/retry"
)

// Once returns a copy of the request that a [Transport] makes at most once, by the
// rules of [retry.DoOnce]: after doubt, verify is asked before it is sent again.
// id is the caller's own, the same over resends and restarts, and one that the
// request carries and verify looks up.
//
// verify sends a request of its own, with the context it is given, and says what
// the answer proves; the response it returns with retry.Applied is what the caller
// gets. It may use an http.Client with the same Transport: there it is sent once,
// with a newer nonce. It must close the responses that it does not return.
//
// An error of such a request is always a *retry.Error that tells the truth about
// the operation: retry.ErrOutcomeUnknown, if nobody knows whether it happened. That a
// 2xx means it did is taken from its header, unless InspectJSON is set.
func Once(req *http.Request, id string, verify func(context.Context) (*http.Response, retry.Outcome, error)) *http.Request {
	return OnceWith(req, retry.Operation[*http.Response]{ID: id, Verify: verify})
}

// OnceWith is Once with all that an operation has: a fingerprint for the journal,
// other times. Its Send is the request, and NoReplay is that of the Transport too.
func OnceWith(req *http.Request, op retry.Operation[*http.Response]) *http.Request {
	return req.WithContext(context.WithValue(req.Context(), operationKey{}, op))
}

type operationKey struct{}

func operation(ctx context.Context) (retry.Operation[*http.Response], bool) {
	op, ok := ctx.Value(operationKey{}).(retry.Operation[*http.Response])
	return op, ok
}

// perform makes the request happen at most once.
func (x *exchange) perform(op retry.Operation[*http.Response]) (*http.Response, error) {
	op.NoReplay = op.NoReplay || x.t.NoReplay
	op.Send = x.attempt
	ctx := context.WithValue(x.req.Context(), operationKey{}, nil) // verify's requests are not the operation
	resp, err := retry.DoOnce(ctx, x.t.Retrier, op, retry.Endpoint(x.t.endpoint(x.req)))
	x.discard() // the answer that began the doubt, if there was any
	return resp, err
}
